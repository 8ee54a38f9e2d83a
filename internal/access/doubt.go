package access

import (
	"context"
	"slices"
	"time"
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

// post is a call that places a key, as the ledger noted it before it was made.
type post struct {
	Placement
	before time.Time // the doubt that earlier calls had left; RecheckAt adds that of this one
}

// doubtful answers until when a call that begins now may land, should nobody ever
// learn its answer. No two calls of a placement answer the same.
func (s *Service) doubtful(before time.Time) time.Time {
	return latest(s.Now().Add(longestDoubt).Truncate(time.Millisecond), before.Add(time.Millisecond))
}

// answered takes the doubt about this call off its placement, now that the answer is
// here. Doubt about other calls stays.
func (p post) answered(now Placement) Placement {
	if now.RecheckAt.Equal(p.RecheckAt) {
		now.RecheckAt = p.before
	}
	return now
}

// doubted brings a placement's state in line with its doubt: what may still land is
// neither surely absent nor gone.
func (p Placement) doubted(now time.Time) Placement {
	switch doubt := !p.RecheckAt.IsZero(); {
	case doubt && p.State == PlacementWanted:
		p.State = PlacementUnknown
	case doubt && p.State == PlacementGone:
		p.State, p.CredentialID, p.GoneAt, p.NextAt, p.Problem, p.Detail = PlacementLeaving, 0, time.Time{}, now, NoProblem, ""
	case !doubt && p.State == PlacementUnknown:
		p.State = PlacementWanted
	}
	return p
}

// doubtOver tells whether whatever may have landed has landed by now.
func (p Placement) doubtOver(now time.Time) bool {
	return !p.RecheckAt.IsZero() && !p.RecheckAt.After(now)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// look reads a server's list to settle what a lost answer left open. What stands
// there under the placement's own label is its key; that nothing stands there is
// believed only of a list that was read after the doubt was over. It tells whether
// the list could be read.
func (s *Service) look(ctx context.Context, p Placement) (bool, error) {
	over := p.doubtOver(s.Now())
	found, err := s.list(ctx, p)
	if err != nil {
		return false, s.unseen(ctx, p, err)
	}
	ctx = context.WithoutCancel(ctx)
	return true, s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || !p.isStill(was) {
			return err // an answer has come, or a call was begun, while the list was read
		}
		next := was
		own, err := s.ownOn(ctx, tx, was, found)
		if err != nil {
			return err
		}
		if over {
			next.RecheckAt = time.Time{}
		}
		if over && len(own) == 0 { // nobody has ever answered that call
			if err := s.lookLater(ctx, tx, was); err != nil {
				return err
			}
		}
		return s.seen(ctx, tx, next, was, own)
	})
}

// isStill tells whether nothing has happened to a placement since it was p.
func (p Placement) isStill(now Placement) bool {
	return now.State == p.State && now.Attempts == p.Attempts && now.CredentialID == p.CredentialID && now.RecheckAt.Equal(p.RecheckAt)
}

// seen records what a server's list holds under a placement's label, beside the one
// that the ledger knows already. next is the placement without the doubt that the
// reading has ended.
func (s *Service) seen(ctx context.Context, tx Tx, next, was Placement, own []Credential) error {
	switch {
	case was.CredentialID != 0: // all of them are doubles
		if _, err := tx.MovePlacement(ctx, next, was.State, was.Attempts); err != nil {
			return err
		}
		return s.extras(ctx, tx, was, own)
	case len(own) == 0 && was.State == PlacementLeaving:
		return s.depart(ctx, tx, next, was)
	case len(own) == 0 && !next.RecheckAt.IsZero():
		return nil // it may still land
	case len(own) == 0:
		_, err := s.move(ctx, tx, next.doubted(s.Now()), was)
		return err
	case was.State == PlacementLeaving:
		next.CredentialID, next.Holder, next.NextAt = own[0].ID, "", s.Now()
		if _, err := s.move(ctx, tx, next, was); err != nil {
			return err
		}
	default:
		if err := s.recordPlaced(ctx, tx, next, was, own[0]); err != nil {
			return err
		}
	}
	return s.extras(ctx, tx, was, own[1:])
}

// unseen puts a look off whose list could not be read. What answers «not found» ends
// no doubt.
func (s *Service) unseen(ctx context.Context, p Placement, cause error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // told to stop: nothing is wrong with the server
	case p.State == PlacementLeaving && CodeOf(cause) == NotFound:
		return s.goneWithServer(ctx, p)
	case p.State == PlacementLeaving:
		return s.postpone(ctx, p, cause)
	}
	return s.record(ctx, cause, func(ctx context.Context, tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || !p.isStill(was) || CodeOf(cause) == Unauthorized {
			return err
		}
		next := was
		if was.doubtOver(s.Now()) {
			next.RecheckAt = s.Now().Add(recheckAfter)
		}
		if was.State == PlacementUnknown {
			next.Attempts++
			next = s.later(next, cause)
		}
		_, err = s.move(ctx, tx, next, was)
		return err
	})
}

// ownOn answers the credentials on a server that carry a placement's label and that
// no other placement accounts for. One that is on its way out leaves to an unknown
// one what that may have placed.
func (s *Service) ownOn(ctx context.Context, tx Tx, p Placement, found []Credential) ([]Credential, error) {
	known, err := s.claimsOn(ctx, tx, p.ServerID)
	return slices.DeleteFunc(slices.Clone(found), func(c Credential) bool {
		return !p.labels(c) || slices.ContainsFunc(known, func(o Placement) bool {
			return o.CredentialID == c.ID || o.ID != p.ID && o.State == PlacementUnknown && o.labels(c)
		})
	}), err
}

// labels tells whether a credential carries the placement's own label.
func (p Placement) labels(c Credential) bool {
	return p.SystemUser == c.SystemUser && sameLabel(c.Label, p.Label)
}
