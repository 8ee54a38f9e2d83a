package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"sshkeybot/internal/access"
)

// readForPurge records what a list of a server means for a purge: while that waits for a
// decision, which keys it is about; once it is approved, that those are removed. In no other
// state is anything left to read.
func (e *Engine) readForPurge(ctx context.Context, tx access.Tx, r access.Request, result access.Result, read contents) error {
	var err error
	switch r.State {
	case access.Pending:
		err = e.listForPurge(ctx, tx, r, result, read.keys)
	case access.Approved:
		err = e.purge(ctx, tx, r, result, read)
	default:
		result.State, result.Setback = access.Dropped, access.Setback{}
		return e.saveInspection(ctx, tx, result)
	}
	if err != nil {
		return err
	}
	result.State, result.Setback, result.Sessions = access.Done, access.Setback{}, read.sessions
	return e.saveInspection(ctx, tx, result)
}

// listForPurge makes candidates of all keys of the system user. Those that an account logs in with
// are listed as staying.
func (e *Engine) listForPurge(ctx context.Context, tx access.Tx, r access.Request, result access.Result, found []access.Credential) error {
	known, err := e.claimsOn(ctx, tx, result.ServerID)
	if err != nil {
		return err
	}
	owned := known.ofAccounts()
	var listed []access.Candidate
	for _, c := range found {
		if c.SystemUser != r.SystemUser {
			continue
		}
		l := candidate(result, c, access.WhyListed)
		if owned.account(c) {
			l.Why, l.PickedAt, l.Spared = access.WhyOwned, e.Now(), true
		}
		listed = append(listed, l)
	}
	return tx.SaveCandidates(ctx, listed)
}

// purge has the keys of the list removed that are still there. Those that the ledger accounts for
// go, or stay, with their grants. Keys of the system user that are not on the list are noted.
func (e *Engine) purge(ctx context.Context, tx access.Tx, r access.Request, result access.Result, read contents) error {
	listed, err := tx.CandidatesOn(ctx, r.ID, result.ServerID)
	if err != nil {
		return err
	}
	known, err := e.claimsOn(ctx, tx, result.ServerID)
	if err != nil {
		return err
	}
	var chosen []access.Credential
	var since []access.Candidate
	for _, c := range read.keys {
		onList := slices.ContainsFunc(listed, func(l access.Candidate) bool { return l.Credential.ID == c.ID && !l.Spared })
		switch {
		case known.account(c):
		case onList:
			chosen = append(chosen, c)
		case r.SystemUser != "" && c.SystemUser == r.SystemUser:
			late := candidate(result, c, access.WhySince)
			late.PickedAt, late.Spared = e.Now(), true
			since = append(since, late)
		}
	}
	if err := tx.SaveCandidates(ctx, since); err != nil {
		return err
	}
	decided := make([]string, len(listed))
	for i, l := range listed {
		decided[i] = l.Credential.ID
	}
	if err := tx.DropFindings(ctx, result.ServerID, decided); err != nil {
		return err
	}
	return e.removeChosen(ctx, tx, r, result, chosen)
}

// removeChosen has credentials of one server removed that were chosen by their ids.
func (e *Engine) removeChosen(ctx context.Context, tx access.Tx, r access.Request, result access.Result, chosen []access.Credential) error {
	if len(chosen) == 0 {
		return nil
	}
	var results []access.Result
	ids := make([]string, len(chosen))
	for i, c := range chosen {
		ids[i] = c.ID
		p, err := tx.InsertPlacement(ctx, access.Placement{
			ServerID: result.ServerID, SystemUser: c.SystemUser, Picked: c.ID,
			Label: c.Label, State: access.PlacementLeaving, CredentialID: c.ID, LeftAt: e.Now(),
		})
		if err != nil {
			return err
		}
		results = append(results, access.NewResult(e.Now(), r.ID, access.PhaseRemove, p.On(), result.ServerName))
	}
	if err := tx.InsertResults(ctx, results); err != nil {
		return err
	}
	detail := fmt.Sprintf("credentials:%s for %s on places %d", strings.Join(ids, ","), cmp.Or(chosen[0].SystemUser, "nobody"), result.ServerID)
	if err := access.Record(ctx, tx, e.Now(), "", access.DidPurgeRemove, access.NounRequest, r.ID, "", string(access.PlacementLeaving), detail); err != nil {
		return err
	}
	return tx.Wake(ctx, access.Work{Kind: access.WorkRemove, ID: result.ServerID})
}

// ReadAgain has every server of a request read again.
func (e *Engine) ReadAgain(ctx context.Context, tx access.Tx, request int64) error {
	open, err := tx.ReopenReadings(ctx, request)
	if err != nil {
		return err
	}
	work := make([]access.Work, len(open))
	for i, r := range open {
		work[i] = access.Work{Kind: access.WorkInspect, ID: r.ServerID}
	}
	return tx.Wake(ctx, work...)
}
