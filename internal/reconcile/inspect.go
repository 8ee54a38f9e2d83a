package reconcile

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

const (
	firstInspectAgain = 30 * time.Second
	lastInspectAgain  = 15 * time.Minute
)

// Inspect reads one server for every request that waits for it: what may belong to
// the person becomes a candidate for an approver to choose; a key of theirs that
// carries the bot's own label, or that shows completely and is the one that was
// pasted, is removed on that proof.
func (e *Engine) Inspect(ctx context.Context, server int64, settle func(access.Tx) error) error {
	open, err := e.openInspections(ctx, server)
	if err != nil || len(open) == 0 {
		return e.settled(ctx, settle, err)
	}
	requests, err := e.requestsOf(ctx, open)
	if err != nil {
		return e.inspectionFailed(ctx, server, open, err, settle)
	}
	people, err := e.inspectedPeople(ctx, requests)
	if err != nil {
		return e.inspectionFailed(ctx, server, open, err, settle)
	}
	found, err := e.readForInspection(ctx, server, requests)
	if err != nil {
		return e.inspectionFailed(ctx, server, open, err, settle)
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		for _, result := range open {
			if err := e.inspected(ctx, tx, result, people[result.RequestID], found); err != nil {
				return err
			}
		}
		return settle(tx)
	})
}

func (e *Engine) settled(ctx context.Context, settle func(access.Tx) error, err error) error {
	if err != nil {
		return err
	}
	return e.Store.Update(ctx, settle)
}

func (e *Engine) openInspections(ctx context.Context, server int64) (open []access.Result, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		if err := e.refuseIfHalted(ctx, tx, server); err != nil {
			return err
		}
		open, err = tx.OpenReadings(ctx, server)
		return err
	})
	return open, err
}

func (e *Engine) saveInspection(ctx context.Context, tx access.Tx, r access.Result) error {
	r.UpdatedAt = e.Now()
	if err := e.SaveResult(ctx, tx, r); err != nil {
		return err
	}
	return tx.Announce(ctx, r.RequestID)
}

func (e *Engine) requestsOf(ctx context.Context, open []access.Result) (requests []access.Request, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		requests = requests[:0]
		for _, result := range open {
			r, err := tx.Request(ctx, result.RequestID)
			if err != nil {
				return err
			}
			requests = append(requests, r)
		}
		return nil
	})
	return requests, err
}

// namesFresh is how old the names may be by which keys are looked for.
const namesFresh = time.Hour

// inspectedPeople asks by what names the people are known whose keys the requests
// look for: not where one key is looked for. An offboarding from the shell does without
// while the directory is away.
func (e *Engine) inspectedPeople(ctx context.Context, requests []access.Request) (people map[int64]access.Profile, err error) {
	people = map[int64]access.Profile{}
	for _, r := range requests {
		if r.PublicKey != "" || r.Kind == access.KindGrant || r.Kind == access.KindPurge || r.Kind == access.KindRotate {
			continue
		}
		if people[r.ID], err = e.Directory.Profile(ctx, r.Person, namesFresh); err != nil && !r.FromShell() {
			return nil, &access.Error{Code: access.Unavailable, Message: "I cannot learn now by what names to look for keys.", Err: err}
		}
	}
	return people, nil
}

// contents are what was read of a server.
type contents struct {
	began    time.Time // when the reading began
	keys     []access.Credential
	tokens   []access.Credential // of an account
	sessions []access.Session    // nil where nobody knows them
	account  bool                // it is one that is lent
}

// readForInspection lists a server's keys; the tokens where access to an account has ended; and
// the sessions where somebody is being offboarded.
func (e *Engine) readForInspection(ctx context.Context, server int64, requests []access.Request) (c contents, err error) {
	c.began = e.Now()
	if c.keys, err = e.keysOn(ctx, server, access.Renewal); err != nil {
		return c, err
	}
	at, err := e.placeOf(ctx, server)
	if err != nil {
		return c, err
	}
	asks := func(kinds ...access.RequestKind) bool {
		return slices.ContainsFunc(requests, func(r access.Request) bool { return slices.Contains(kinds, r.Kind) })
	}
	var lender access.Lender
	if lender, c.account = at.target.(access.Lender); c.account && asks(access.KindGrant, access.KindOffboard) {
		if c.tokens, err = called(ctx, at, lender.Tokens); err != nil {
			return c, err
		}
	}
	if !asks(access.KindOffboard) {
		return c, nil
	}
	lister, ok := at.target.(access.SessionLister)
	if !ok {
		c.sessions = []access.Session{} // nobody logs in there
		return c, nil
	}
	c.sessions, err = called(ctx, at, lister.Sessions)
	switch {
	case access.CodeOf(err) == access.Unauthorized:
		return c, err
	case err != nil:
		c.sessions = nil // shown as not read; nothing hangs on them
	case c.sessions == nil:
		c.sessions = []access.Session{}
	}
	return c, nil
}

// called makes a call that reads a server, once its target may be called for that.
func called[T any](ctx context.Context, at place, read func(context.Context, string) (T, error)) (out T, err error) {
	call, release, err := at.target.Acquire(ctx, access.Renewal)
	if err != nil {
		return out, err
	}
	defer release()
	return read(call, at.id)
}

// inspectionFailed keeps the inspection of a server open: shown, and tried again by the
// sweep.
func (e *Engine) inspectionFailed(ctx context.Context, server int64, open []access.Result, cause error, settle func(access.Tx) error) error {
	gone := false
	if access.CodeOf(cause) == access.NotFound {
		var err error
		if gone, err = e.serverIsGone(ctx, server, access.Addition); err != nil {
			cause = err
		}
	}
	at, err := e.placeOf(ctx, server)
	if err == nil {
		err = e.haltIfUnauthorized(ctx, at.target.Name(), cause)
	} else if access.CodeOf(err) == access.Unavailable { // its target is not configured
		err = nil
	}
	if err != nil {
		return err
	}
	return e.keepOpen(ctx, open, cause, gone, settle)
}

// keepOpen records why inspections are still to be made; gone reports that their server
// is, so that what was on it nobody has seen.
func (e *Engine) keepOpen(ctx context.Context, open []access.Result, cause error, gone bool, settle func(access.Tx) error) error {
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: nothing is wrong with the server
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		for _, r := range open {
			r.State, r.Setback = access.Waiting, setbackOf(cause)
			switch {
			case gone:
				r.State, r.Setback = access.OutOfReach, access.Setback{Problem: access.ProblemServerLeft}
			case access.CodeOf(cause) == access.Forbidden:
				r.State = access.Failed
			}
			if err := e.saveInspection(ctx, tx, r); err != nil {
				return err
			}
		}
		return settle(tx)
	})
}

// inspectAgainAt returns when an inspection that failed is tried again: soon at
// first, and ever more rarely.
func inspectAgainAt(r access.Result, decided time.Time) time.Time {
	wait := r.UpdatedAt.Sub(decided) / 4
	return r.UpdatedAt.Add(min(max(wait, firstInspectAgain), lastInspectAgain))
}

// inspected turns what was read on one server into candidates and removals.
func (e *Engine) inspected(ctx context.Context, tx access.Tx, result access.Result, profile access.Profile, read contents) error {
	r, err := tx.Request(ctx, result.RequestID)
	if err != nil {
		return err
	}
	if read.keys, err = withoutRemoved(ctx, tx, result.ServerID, read); err != nil {
		return err
	}
	if r.Kind == access.KindPurge {
		return e.readForPurge(ctx, tx, r, result, read)
	}
	if r.Kind == access.KindRotate {
		return e.readForRotation(ctx, tx, r, result, read)
	}
	candidates, err := e.tokensOf(ctx, tx, r, result, read)
	if err != nil {
		return err
	}
	if r.Kind != access.KindGrant { // which is read for the tokens alone
		keys, err := e.keysOf(ctx, tx, r, result, profile, read)
		if err != nil {
			return err
		}
		candidates = append(candidates, keys...)
	}
	if err := tx.SaveCandidates(ctx, candidates); err != nil {
		return err
	}
	result.State, result.Setback, result.Sessions = access.Done, access.Setback{}, read.sessions
	return e.saveInspection(ctx, tx, result)
}

// keysOf has the keys removed that are proven to be looked for, and returns those that a person
// has to decide about.
func (e *Engine) keysOf(ctx context.Context, tx access.Tx, r access.Request, result access.Result, profile access.Profile, read contents) (candidates []access.Candidate, err error) {
	matcher, err := e.newKeyMatcher(ctx, tx, r, profile)
	if err != nil {
		return nil, err
	}
	known, err := e.claimsOn(ctx, tx, result.ServerID)
	if err != nil {
		return nil, err
	}
	for _, c := range read.keys {
		ours, err := e.wroteLabel(ctx, tx, result.ServerID, c.Label)
		if err != nil {
			return nil, err
		}
		why := matcher.why(c, ours)
		if why == "" && read.account && !matcher.byKey && !ours {
			why, err = unregistered(ctx, tx, c)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case why == "", known.account(c): // what the ledger holds goes, or stays, with its grant
			continue
		case why == whyProof:
			err = e.removeProven(ctx, tx, r, result, c, matcher.fingerprintOf(c))
		default:
			candidates = append(candidates, candidate(result, c, why))
		}
		if err != nil {
			return nil, err
		}
	}
	return candidates, nil
}

func candidate(of access.Result, c access.Credential, why access.Why) access.Candidate {
	return access.Candidate{RequestID: of.RequestID, ServerID: of.ServerID, ServerName: of.ServerName, Credential: c, Why: why}
}

// claims are the placements of a server that a credential there may belong to.
type claims []access.Placement

func (e *Engine) claimsOn(ctx context.Context, tx access.Tx, server int64) (claims, error) {
	return tx.Placements(ctx, access.PlacementQuery{
		Server: server, States: []access.PlacementState{access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
	})
}

// account reports whether the ledger accounts for a credential. One whose id is not
// recorded yet is known by its label: its own work settles it.
func (cs claims) account(c access.Credential) bool {
	return slices.ContainsFunc(cs, func(p access.Placement) bool {
		if p.CredentialID != "" {
			return p.CredentialID == c.ID
		}
		return labels(p, c)
	})
}

// ofAccounts returns those of keys that accounts log in with.
func (cs claims) ofAccounts() (owned claims) {
	for _, p := range cs {
		if p.GrantID != 0 && p.Person == "" {
			owned = append(owned, p)
		}
	}
	return owned
}

// withoutRemoved leaves out of a list the keys that the ledger has come to hold to be gone since it
// was read: the list is the older of the two.
func withoutRemoved(ctx context.Context, tx access.Tx, server int64, read contents) (left []access.Credential, err error) {
	since := read.began.Truncate(time.Millisecond)
	for _, c := range read.keys {
		gone, err := tx.Placements(ctx, access.PlacementQuery{Server: server, Credential: c.ID, States: []access.PlacementState{access.PlacementGone}})
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(gone, func(p access.Placement) bool { return !p.GoneAt.Before(since) }) {
			left = append(left, c)
		}
	}
	return left, nil
}

// Unclaimed refuses what a person decided about a credential that the ledger has come to
// account for since.
func (e *Engine) Unclaimed(ctx context.Context, tx access.Tx, c access.Candidate) error {
	known, err := e.claimsOn(ctx, tx, c.ServerID)
	if err == nil && known.account(c.Credential) {
		err = access.NewConflict("My ledger accounts for this key by now: it stays, or goes, with the access that it belongs to.")
	}
	return err
}

// removeProven removes a credential that is proven to be the person's, or the
// pasted key, though the ledger did not hold it.
func (e *Engine) removeProven(ctx context.Context, tx access.Tx, r access.Request, result access.Result, c access.Credential, fingerprint string) error {
	p, err := tx.InsertPlacement(ctx, access.Placement{
		ServerID: result.ServerID, SystemUser: c.SystemUser, Fingerprint: fingerprint, Person: r.Person,
		Label: c.Label, State: access.PlacementLeaving, CredentialID: c.ID, PlacedAt: c.CreatedAt, LeftAt: e.Now(),
	})
	if err != nil {
		return err
	}
	removal := access.NewResult(e.Now(), r.ID, access.PhaseRemove, p.On(), result.ServerName)
	if err := e.SaveResult(ctx, tx, removal); err != nil { // even where it had been reported as done
		return err
	}
	if err := access.Record(ctx, tx, e.Now(), "", access.DidPlacementFound, access.NounPlacement, p.ID, "", string(access.PlacementLeaving), c.Label); err != nil {
		return err
	}
	return tx.Wake(ctx, access.Work{Kind: access.WorkRemove, ID: result.ServerID})
}
