package reconcile

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// A grant may want keys that the ledger holds to be there already, placed for an earlier
// one. Somebody may have deleted them at the target since, so that is not said before the
// target was asked: one list for each server.

// verify reads a server's list to see whether the keys still are there that are to be
// looked for. One that is not is placed anew as in a renewal: its removal by its own id
// makes sure that it is gone, so that a list which lacked it by mistake leaves no key
// behind that the ledger does not know.
func (e *Engine) verify(ctx context.Context, p access.Placement) error {
	began := e.Now()
	found, err := e.list(ctx, p)
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: nothing is wrong with the server
	}
	return e.record(ctx, p.ServerID, err, func(ctx context.Context, tx access.Tx) error {
		// Not those that are asked for since: such a key may be placed after the list was read.
		asked, listErr := tx.Placements(ctx, access.PlacementQuery{Server: p.ServerID, VerifyBefore: began})
		if listErr != nil {
			return listErr
		}
		var missing []access.Move
		for _, was := range asked {
			moved, err := e.verified(ctx, tx, was, found, err)
			if err != nil {
				return err
			}
			missing = append(missing, moved...)
		}
		return access.RecordMoves(ctx, tx, e.Now(), missing)
	})
}

// verified records what a reading of the list says of a placed key; cause is why there is
// none. It returns the move of a key that is missing, for the caller to record.
func (e *Engine) verified(ctx context.Context, tx access.Tx, was access.Placement, found []access.Credential, cause error) ([]access.Move, error) {
	// Without a list nothing is known: the key is neither said to be there nor placed anew.
	if cause != nil {
		_, err := e.move(ctx, tx, e.verifyLater(was, cause), was)
		return nil, err
	}
	next := was
	next.VerifyAt, next.Setback = time.Time{}, access.Setback{}
	// It is there, by the id that the target confirmed: one under its label may be a double.
	if slices.ContainsFunc(found, func(c access.Credential) bool { return c.ID == was.CredentialID }) {
		_, err := e.move(ctx, tx, next, was)
		return nil, err
	}
	// Somebody deleted it at the target, or this list lacks it by mistake: it is removed by its
	// id before another is placed.
	next = e.toReplace(next)
	next.Problem = access.ProblemDeleted // which an approver has seen, or approved that it is placed
	won, err := e.moveUnrecorded(ctx, tx, next, was)
	if err != nil || !won {
		return nil, err
	}
	moved := []access.Move{{From: was.State, Action: access.DidPlacementMissing, Placement: next}}
	return moved, tx.Wake(ctx, WorkOn(next))
}

// verifyLater returns a placed key that is looked for again when the cause lets it; what
// was refused waits for a person.
func (e *Engine) verifyLater(p access.Placement, cause error) access.Placement {
	if access.CodeOf(cause) == access.Unauthorized {
		return p
	}
	p.Attempts++
	p.Setback = setbackOf(cause)
	p.Stuck = p.Problem == access.ProblemRefused
	p.VerifyAt = e.Now().Add(min(longestWait, max(access.RetryAfter(cause), backoff(p.Attempts))))
	return p
}

// toReplace returns a placed key on its way out that is placed anew at once.
func (e *Engine) toReplace(p access.Placement) access.Placement {
	p.State, p.Urgent, p.Attempts, p.LeftAt, p.NextAt = access.PlacementLeaving, true, 0, e.Now(), e.Now()
	return p
}
