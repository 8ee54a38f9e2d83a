package reconcile

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

const (
	// holdFor is how long a placement whose call is under way is left alone by
	// everybody else; longer than any call may take.
	holdFor = 90 * time.Second
	// recheckAfter is how long a write may still take to land after its call has
	// ended without an answer.
	recheckAfter = 2 * time.Minute
	longestDoubt = holdFor + recheckAfter
)

// addCall is a call that places a key, as the ledger noted it before it was made.
type addCall struct {
	access.Placement
	before time.Time // the doubt that earlier calls had left; InDoubtUntil adds that of this one
}

// inDoubtUntil returns until when a call that begins now may land, should nobody ever
// learn its answer. No two calls of a placement answer the same.
func (e *Engine) inDoubtUntil(before time.Time) time.Time {
	return latest(e.Now().Add(longestDoubt).Truncate(time.Millisecond), before.Add(time.Millisecond))
}

// answered takes the doubt about this call off its placement, now that the answer is
// here. Doubt about other calls stays.
func (p addCall) answered(now access.Placement) access.Placement {
	if now.InDoubtUntil.Equal(p.InDoubtUntil) {
		now.InDoubtUntil = p.before
	}
	return now
}

// withConsistentState brings a placement's state in line with its doubt: what may still land is
// neither surely absent nor gone.
func withConsistentState(p access.Placement, now time.Time) access.Placement {
	switch doubt := !p.InDoubtUntil.IsZero(); {
	// The answer of a call was lost that stood still until others had settled that the key is
	// not there: it may land yet, so the list is read before the key is placed anew.
	case doubt && p.State == access.PlacementWanted:
		p.State = access.PlacementUnknown
	// The same after its removal was reported: that is taken back, and the key is looked for again.
	case doubt && p.State == access.PlacementGone:
		p.State, p.CredentialID, p.GoneAt, p.NextAt, p.Setback = access.PlacementLeaving, "", time.Time{}, now, access.Setback{}
	// Every call has its answer, or the list was read after the last could land: the key surely
	// is not there.
	case !doubt && p.State == access.PlacementUnknown:
		p.State = access.PlacementWanted
	}
	return p
}

// doubtOver reports whether whatever may have landed has landed by now.
func doubtOver(p access.Placement, now time.Time) bool {
	return !p.InDoubtUntil.IsZero() && !p.InDoubtUntil.After(now)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// readBack reads a server's list to settle what a lost answer left open. What stands
// there under the placement's own label is its key; that nothing stands there is
// believed only of a list that was read after the doubt was over. It reports whether
// the list could be read.
func (e *Engine) readBack(ctx context.Context, p access.Placement) (bool, error) {
	over := doubtOver(p, e.Now())
	found, err := e.list(ctx, p)
	if err != nil {
		return false, e.readFailed(ctx, p, err)
	}
	ctx = context.WithoutCancel(ctx)
	return true, e.Store.Update(ctx, func(tx access.Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || !isStill(p, was) {
			return err // an answer has come, or a call was begun, while the list was read
		}
		next := was
		own, err := e.ownOn(ctx, tx, was, found)
		if err != nil {
			return err
		}
		if over {
			next.InDoubtUntil = time.Time{}
		}
		if over && len(own) == 0 { // nobody has ever answered that call
			if err := e.rereadLater(ctx, tx, was); err != nil {
				return err
			}
		}
		return e.settle(ctx, tx, next, was, own)
	})
}

// isStill reports whether nothing has happened to a placement since it was p.
func isStill(p access.Placement, now access.Placement) bool {
	return now.State == p.State && now.Attempts == p.Attempts && now.CredentialID == p.CredentialID && now.InDoubtUntil.Equal(p.InDoubtUntil)
}

// settle records what a server's list holds under a placement's label, beside the one
// that the ledger knows already. next is the placement without the doubt that the
// reading has ended.
func (e *Engine) settle(ctx context.Context, tx access.Tx, next, was access.Placement, own []access.Credential) error {
	switch {
	// An earlier call, whose answer was lost, has landed beside the one that is recorded.
	case was.CredentialID != "":
		if _, err := tx.MovePlacement(ctx, next, was.State, was.Attempts); err != nil {
			return err
		}
		return e.removeExtras(ctx, tx, was, own)
	// Nothing is there to be removed: it is gone, or in doubt until a lost call can land no more.
	case len(own) == 0 && was.State == access.PlacementLeaving:
		return e.keyRemoved(ctx, tx, next, was)
	// The lost call may still land: a list read too early proves nothing.
	case len(own) == 0 && !next.InDoubtUntil.IsZero():
		return nil
	// No call can land any more: the key surely is not there, and is placed anew.
	case len(own) == 0:
		_, err := e.move(ctx, tx, withConsistentState(next, e.Now()), was)
		return err
	// The lost call has landed, and nobody wants the key any more.
	case was.State == access.PlacementLeaving:
		next.CredentialID, next.Holder, next.NextAt = own[0].ID, "", e.Now()
		if _, err := e.move(ctx, tx, next, was); err != nil {
			return err
		}
	// The lost call has landed: what it placed is ours.
	default:
		if err := e.savePlaced(ctx, tx, next, was, own[0]); err != nil {
			return err
		}
	}
	return e.removeExtras(ctx, tx, was, own[1:])
}

// readFailed puts a look off whose list could not be read. What answers «not found» ends
// no doubt.
func (e *Engine) readFailed(ctx context.Context, p access.Placement, cause error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // told to stop: nothing is wrong with the server
	// The server may have left the account with the key on it, which ends the removal only once
	// it is settled: a target may say «not found» by mistake.
	case p.State == access.PlacementLeaving && access.CodeOf(cause) == access.NotFound:
		return e.giveUpWithServer(ctx, p)
	// The key may be there: its removal is owed, and says what stands in the way.
	case p.State == access.PlacementLeaving:
		return e.postpone(ctx, p, cause)
	}
	return e.record(ctx, p.ServerID, cause, func(ctx context.Context, tx access.Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		// An answer came, or a call was begun, while the list was read; or the whole target is
		// halted, and nothing is wrong with the placement.
		if err != nil || !isStill(p, was) || access.CodeOf(cause) == access.Unauthorized {
			return err
		}
		next := was
		// Nothing was read, so the doubt goes on; over, it would be due again at once, and for ever.
		if doubtOver(was, e.Now()) {
			next.InDoubtUntil = e.Now().Add(recheckAfter)
		}
		// A placed one is there: only the double that a lost call may have left is not known of.
		if was.State == access.PlacementUnknown {
			next.Attempts++
			next = e.later(next, cause)
		}
		_, err = e.move(ctx, tx, next, was)
		return err
	})
}

// ownOn returns the credentials on a server that carry a placement's label and that
// no other placement accounts for. One that is on its way out leaves to an unknown
// one what that may have placed.
func (e *Engine) ownOn(ctx context.Context, tx access.Tx, p access.Placement, found []access.Credential) ([]access.Credential, error) {
	known, err := e.claimsOn(ctx, tx, p.ServerID)
	return slices.DeleteFunc(slices.Clone(found), func(c access.Credential) bool {
		return !labels(p, c) || slices.ContainsFunc(known, func(o access.Placement) bool {
			return o.CredentialID == c.ID || o.ID != p.ID && o.State == access.PlacementUnknown && labels(o, c)
		})
	}), err
}

// labels reports whether a credential carries the placement's own label.
func labels(p access.Placement, c access.Credential) bool {
	return (c.SystemUser == "" || p.SystemUser == c.SystemUser) && access.SameLabel(c.Label, p.Label)
}
