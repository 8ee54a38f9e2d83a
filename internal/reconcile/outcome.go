package reconcile

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// UpdateResults brings the open results of a key on a server in line with its
// placements, and has the requests concerned drawn anew.
func (e *Engine) UpdateResults(ctx context.Context, tx access.Tx, on access.KeyOn) error {
	open, err := tx.OpenResults(ctx, on)
	if err != nil || len(open) == 0 {
		return err
	}
	placements, err := placementsOf(ctx, tx, on)
	if err != nil {
		return err
	}
	for _, r := range open {
		state, setback := r.State, r.Setback
		if r.Phase == access.PhaseAdd {
			start, live, err := e.grantOf(ctx, tx, r)
			if err != nil {
				return err
			}
			r.State, r.Setback = additionOutcome(placements, start, live)
		} else {
			covered, _, err := tx.Covered(ctx, access.Placement{ServerID: on.ServerID, SystemUser: on.SystemUser, Fingerprint: on.Fingerprint}, e.Now())
			if err != nil {
				return err
			}
			r.State, r.Setback = removalOutcome(placements, covered)
		}
		if r.State == state && r.Setback == setback {
			continue
		}
		r.UpdatedAt = e.Now()
		if err := e.SaveResult(ctx, tx, r); err != nil {
			return err
		}
		if err := tx.Announce(ctx, r.RequestID); err != nil {
			return err
		}
	}
	return nil
}

// SaveResult stores a result that has changed.
func (e *Engine) SaveResult(ctx context.Context, tx access.Tx, r access.Result) error {
	if e.Settled != nil && r.State != access.Waiting {
		tx.AfterCommit(func() { e.Settled(r) })
	}
	return tx.SaveResult(ctx, r)
}

// updateServer updates all results that wait on a server.
func (e *Engine) updateServer(ctx context.Context, tx access.Tx, server int64) error {
	waiting, err := tx.WaitingKeys(ctx, server)
	if err != nil {
		return err
	}
	for _, key := range waiting {
		if err := e.UpdateResults(ctx, tx, key); err != nil {
			return err
		}
	}
	return nil
}

// placementsOf lists what counts of a key on a server: what is there or on its way,
// and else what was given up with a server that left the account.
func placementsOf(ctx context.Context, tx access.Tx, on access.KeyOn) ([]access.Placement, error) {
	q := access.PlacementQuery{
		Server: on.ServerID, SystemUser: on.SystemUser, Fingerprint: on.Fingerprint, Picked: on.Picked,
		States: []access.PlacementState{access.PlacementWanted, access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
	}
	there, err := tx.Placements(ctx, q)
	if err != nil || len(there) > 0 {
		return there, err
	}
	q.States, q.Problem = []access.PlacementState{access.PlacementGone}, access.ProblemServerLeft
	return tx.Placements(ctx, q)
}

// reappeared has a key that was held to be gone removed again, and reopens the results that said so.
func (e *Engine) reappeared(ctx context.Context, tx access.Tx, p access.Placement) error {
	if err := e.reopen(ctx, tx, p); err != nil {
		return err
	}
	return tx.Wake(ctx, WorkOn(p))
}

// reopen opens the removals again that were reported as done since a placement left.
func (e *Engine) reopen(ctx context.Context, tx access.Tx, p access.Placement) error {
	if p.LeftAt.IsZero() {
		return nil // nobody said that it was removed
	}
	reopened, err := tx.ReopenResults(ctx, p.On(), p.LeftAt)
	if err != nil {
		return err
	}
	if err := e.retract(ctx, tx, reopened); err != nil {
		return err
	}
	return e.showReopened(ctx, tx, p, reopened)
}

// retract notifies, once an hour for each request, that what was said of some servers is not so
// any more. Its message is drawn anew.
func (e *Engine) retract(ctx context.Context, tx access.Tx, reopened []access.Result) error {
	for _, r := range reopened {
		if err := tx.Announce(ctx, r.RequestID); err != nil {
			return err
		}
		key := access.NoticeKey("reopened:"+e.Now().UTC().Format("2006-01-02T15"), r.RequestID)
		if err := tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeReopened, RequestID: r.RequestID, Detail: r.ServerName}); err != nil {
			return err
		}
	}
	return nil
}

// showReopened has the requests of results that wait again drawn anew.
func (e *Engine) showReopened(ctx context.Context, tx access.Tx, p access.Placement, reopened []access.Result) error {
	for _, r := range reopened {
		if err := tx.Announce(ctx, r.RequestID); err != nil {
			return err
		}
	}
	return e.UpdateResults(ctx, tx, p.On())
}

// grantOf returns when the grant behind an addition started, and whether it still
// wants that key on that server.
func (e *Engine) grantOf(ctx context.Context, tx access.Tx, r access.Result) (start time.Time, wanted bool, err error) {
	grants, err := tx.Grants(ctx, access.GrantQuery{RequestID: r.RequestID})
	if err != nil || len(grants) == 0 {
		return time.Time{}, false, err
	}
	g := grants[len(grants)-1] // a rotation that began anew has several
	if !g.LiveAt(e.Now()) {
		return g.StartsAt, false, nil
	}
	covered, _, err := tx.Covered(ctx, access.Placement{Person: g.Person, ServerID: r.ServerID, SystemUser: r.SystemUser, Fingerprint: r.Fingerprint}, e.Now())
	return g.StartsAt, covered, err
}

// additionOutcome says what placing a key came to, from what the ledger holds of
// that key on that server.
func additionOutcome(placements []access.Placement, start time.Time, wanted bool) (access.ResultState, access.Setback) {
	if !wanted {
		return access.Dropped, access.Setback{}
	}
	var old access.Placement
	for _, p := range placements {
		switch {
		case p.State == access.PlacementLeaving:
			old = p
		case p.State == access.PlacementPlaced && p.Problem == access.ProblemDeleted:
			return access.Failed, p.Setback
		case p.State == access.PlacementPlaced && p.PlacedAt.Before(start) && !p.VerifyAt.IsZero():
			if p.Stuck {
				return access.Failed, p.Setback
			}
			return access.Waiting, p.Setback
		case p.State == access.PlacementPlaced && p.PlacedAt.Before(start):
			return access.AlreadyThere, access.Setback{}
		case p.State == access.PlacementPlaced:
			return access.Done, access.Setback{}
		case p.Problem == access.ProblemForeign:
			return access.AlreadyThere, p.Setback
		case p.Stuck && (p.State == access.PlacementWanted || p.State == access.PlacementUnknown):
			return access.Failed, p.Setback
		case p.State == access.PlacementUnknown && p.Attempts > 1:
			return access.Unsure, p.Setback
		case p.State == access.PlacementWanted || p.State == access.PlacementUnknown:
			return access.Waiting, p.Setback
		}
	}
	return access.Waiting, old.Setback // it has to leave first
}

// removalOutcome says the same of removing it; covered reports that another live grant
// wants the key there.
func removalOutcome(placements []access.Placement, covered bool) (access.ResultState, access.Setback) {
	if len(placements) == 0 {
		return access.Done, access.Setback{}
	}
	switch p := placements[0]; {
	case p.State == access.PlacementGone:
		return access.OutOfReach, p.Setback
	case covered && (p.State != access.PlacementLeaving || p.Urgent):
		return access.Kept, access.Setback{} // it stays, or is being renewed, for that grant
	case p.Problem == access.ProblemRefused:
		return access.Failed, p.Setback
	case p.CredentialID == "":
		return access.Unsure, p.Setback
	default:
		return access.Waiting, p.Setback
	}
}
