package access

import (
	"context"
	"slices"
	"time"
)

// remove takes one key off its server, by the credential id that was recorded, or
// after finding it by the bot's own label.
func (s *Service) remove(ctx context.Context, p Placement) error {
	if err := s.reachable(ctx, p); err != nil {
		return s.removalStopped(ctx, p, err)
	}
	turn, release, err := s.Target.Turn(ctx, Removal)
	if err != nil {
		return err
	}
	defer release()
	p, ok, err := s.begin(ctx, p.ID, func(tx Tx, p *Placement) (bool, error) {
		return p.State == PlacementLeaving, nil
	})
	if err != nil || !ok {
		return err
	}
	if p.CredentialID == 0 {
		release()
		return s.removeUnknown(ctx, p)
	}
	err = s.Target.Remove(turn, p.ServerID, p.CredentialID)
	if CodeOf(err) == NotFound {
		release()
		return s.confirmGone(ctx, p)
	}
	if err != nil {
		return s.postpone(ctx, p, PlacementLeaving, err)
	}
	return s.gone(ctx, p, false)
}

// removalStopped postpones a removal whose server cannot be reached. A server that
// has left the account takes its keys with it.
func (s *Service) removalStopped(ctx context.Context, p Placement, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: nothing is wrong with the server
	}
	p, ok, err := s.begin(ctx, p.ID, func(tx Tx, p *Placement) (bool, error) {
		return p.State == PlacementLeaving, nil
	})
	if err != nil || !ok {
		return err
	}
	if CodeOf(cause) == NotFound {
		return s.goneWithServer(ctx, p)
	}
	return s.postpone(ctx, p, PlacementLeaving, cause)
}

// goneWithServer settles a removal whose server has left the account.
func (s *Service) goneWithServer(ctx context.Context, p Placement) error {
	left, err := s.hasLeft(ctx, p.ServerID)
	if err != nil {
		return s.postpone(ctx, p, PlacementLeaving, err)
	}
	if !left {
		return s.postpone(ctx, p, PlacementLeaving, &Error{Code: Unavailable, Message: "RunCloud lists the server but does not find it."})
	}
	p.Detail = "The server is no longer in the RunCloud account."
	return s.gone(ctx, p, false)
}

// confirmGone settles a removal that RunCloud answered with «not found».
func (s *Service) confirmGone(ctx context.Context, p Placement) error {
	found, err := s.list(ctx, p)
	switch {
	case CodeOf(err) == NotFound:
		return s.goneWithServer(ctx, p)
	case err != nil:
		return s.postpone(ctx, p, PlacementLeaving, err)
	case slices.ContainsFunc(found, func(c Credential) bool { return c.ID == p.CredentialID }):
		return s.postpone(ctx, p, PlacementLeaving, &Error{Code: Unavailable, Message: "RunCloud lists the key but does not find it."})
	}
	return s.gone(ctx, p, false)
}

func (s *Service) list(ctx context.Context, p Placement) ([]Credential, error) {
	turn, release, err := s.Target.Turn(ctx, p.priority())
	if err != nil {
		return nil, err
	}
	defer release()
	return s.Target.List(turn, p.ServerID)
}

// removeUnknown finds, by the bot's own label, a key of which it is not known
// whether it was placed.
func (s *Service) removeUnknown(ctx context.Context, p Placement) error {
	found, err := s.list(ctx, p)
	switch {
	case CodeOf(err) == NotFound:
		return s.goneWithServer(ctx, p)
	case err != nil:
		return s.postpone(ctx, p, PlacementLeaving, err)
	}
	ours := ownCredentials(found, p)
	if len(ours) == 0 {
		return s.gone(ctx, p, true)
	}
	return s.foundLeaving(ctx, p, ours)
}

// ownCredentials answers the credentials that carry a placement's own label.
func ownCredentials(found []Credential, p Placement) []Credential {
	return slices.DeleteFunc(slices.Clone(found), func(c Credential) bool {
		return !sameLabel(c.Label, p.Label) || c.SystemUser != p.SystemUser
	})
}

// foundLeaving records the ids of keys that turned out to be there and must leave.
func (s *Service) foundLeaving(ctx context.Context, p Placement, ours []Credential) error {
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || was.State != PlacementLeaving || was.Attempts != p.Attempts {
			return err
		}
		next := was
		next.CredentialID, next.Holder, next.NextAt = ours[0].ID, "", s.Now()
		next.RecheckAt = s.Now().Add(recheckAfter)
		if _, err := s.move(ctx, tx, next, was); err != nil {
			return err
		}
		return s.extras(ctx, tx, p, ours[1:])
	})
}

// extras has further copies of a placement's key removed: each carries its label,
// and the ledger knows none of their ids.
func (s *Service) extras(ctx context.Context, tx Tx, p Placement, copies []Credential) error {
	for _, c := range copies {
		extra := Placement{
			ServerID: p.ServerID, SystemUser: p.SystemUser, Fingerprint: p.Fingerprint, Person: p.Person, GrantID: p.GrantID,
			Label: c.Label, State: PlacementLeaving, CredentialID: c.ID, Attempts: 1, LeftAt: s.Now(), NextAt: s.Now(),
		}
		extra, err := tx.InsertPlacement(ctx, extra)
		if err != nil {
			return err
		}
		if err := s.audit(ctx, tx, "", "placement.double", "placement", extra.ID, "", string(PlacementLeaving), c.Label); err != nil {
			return err
		}
		if err := tx.Wake(ctx, Work{Kind: WorkRemove, ID: p.ServerID}); err != nil {
			return err
		}
	}
	return nil
}

// gone records that RunCloud confirmed a removal, and lets the server's other
// wishes, such as the second half of a renewal, go on. doubt asks for the list to
// be read once more, since a lost write may still land.
func (s *Service) gone(ctx context.Context, p Placement, doubt bool) error {
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || was.State != PlacementLeaving || was.Attempts != p.Attempts {
			return err
		}
		next := was
		next.State, next.GoneAt, next.Holder, next.Problem, next.Detail = PlacementGone, s.Now(), "", NoProblem, p.Detail
		if doubt {
			next.RecheckAt = s.Now().Add(recheckAfter)
		}
		if _, err := s.move(ctx, tx, next, was); err != nil {
			return err
		}
		return s.succeed(ctx, tx, next)
	})
}

// succeed has what a removal made room for placed: after a renewal at once, with
// the priority of the removal.
func (s *Service) succeed(ctx context.Context, tx Tx, left Placement) error {
	changed, err := tx.Align(ctx, s.Now(), []int64{left.ServerID})
	if err != nil {
		return err
	}
	for i, p := range changed {
		same := p.State == PlacementWanted && p.SystemUser == left.SystemUser && p.Fingerprint == left.Fingerprint
		if !left.Urgent || !same {
			continue
		}
		p.Urgent, p.LapsesAt, p.ToldLapsed = true, left.LapsesAt, left.ToldLapsed
		if _, err := tx.MovePlacement(ctx, p, PlacementWanted, p.Attempts); err != nil {
			return err
		}
		changed[i] = p
	}
	return s.follow(ctx, tx, changed)
}

// recheck reads a server once more after a doubt, and has removed what landed late.
func (s *Service) recheck(ctx context.Context, p Placement) error {
	found, err := s.list(ctx, p)
	if halted := s.haltOn(ctx, err); halted != nil {
		return halted
	}
	missing := CodeOf(err) == NotFound
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		was, txErr := tx.Placement(ctx, p.ID)
		if txErr != nil || !was.RecheckAt.Equal(p.RecheckAt) {
			return txErr
		}
		next := was
		next.RecheckAt = time.Time{}
		if err != nil && !missing {
			next.RecheckAt = s.Now().Add(recheckAfter)
		}
		if _, err := tx.MovePlacement(ctx, next, was.State, was.Attempts); err != nil {
			return err
		}
		known, txErr := s.claimsOn(ctx, tx, p.ServerID)
		if txErr != nil {
			return txErr
		}
		late := slices.DeleteFunc(ownCredentials(found, was), known.hold)
		return s.extras(ctx, tx, was, late)
	})
}
