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
	turn, release, err := s.Target.Turn(ctx, p.priority())
	if err != nil {
		return err
	}
	defer release()
	work := workOn(p)
	p, ok, err := s.begin(ctx, p.ID, func(tx Tx, p *Placement) (bool, error) {
		return p.State == PlacementLeaving && workOn(*p) == work, nil // else its renewal ended while it waited
	})
	if err != nil || !ok {
		return err
	}
	if p.CredentialID == 0 {
		release()
		_, err := s.look(ctx, p)
		return err
	}
	err = s.Target.Remove(turn, p.ServerID, p.CredentialID)
	if CodeOf(err) == NotFound {
		release()
		return s.confirmGone(ctx, p)
	}
	if err != nil {
		return s.postpone(ctx, p, err)
	}
	return s.removed(ctx, p)
}

// removalStopped postpones a removal whose server cannot be reached.
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
	return s.postpone(ctx, p, cause)
}

// goneWithServer ends a removal whose server is gone for good, key and all. That the
// key is off it nobody has confirmed: should the server come back, it is removed then.
// Until that is settled the removal is owed.
func (s *Service) goneWithServer(ctx context.Context, p Placement) error {
	gone, err := s.lost(ctx, p.ServerID, Removal)
	if !gone {
		return s.postpone(ctx, p, err)
	}
	return s.ifStill(ctx, p, func(ctx context.Context, tx Tx, was Placement) error {
		next := was
		next.RecheckAt = time.Time{}
		next.Problem, next.Detail = ProblemServerLeft, ""
		return s.gone(ctx, tx, next, was)
	})
}

// confirmGone settles a removal that RunCloud answered with «not found».
func (s *Service) confirmGone(ctx context.Context, p Placement) error {
	found, err := s.list(ctx, p)
	switch {
	case err != nil:
		return s.unseen(ctx, p, err)
	case slices.ContainsFunc(found, func(c Credential) bool { return c.ID == p.CredentialID }):
		return s.postpone(ctx, p, &Error{Code: Unavailable, Message: "RunCloud lists the key but does not find it."})
	}
	return s.removed(ctx, p)
}

func (s *Service) list(ctx context.Context, p Placement) ([]Credential, error) {
	return s.listFor(ctx, p.ServerID, p.priority())
}

func (s *Service) listFor(ctx context.Context, server int64, priority Priority) ([]Credential, error) {
	if err := s.patience(priority); err != nil {
		return nil, err
	}
	turn, release, err := s.Target.Turn(ctx, priority)
	if err != nil {
		return nil, err
	}
	defer release()
	return s.Target.List(turn, server)
}

// removed records that RunCloud confirmed a removal.
func (s *Service) removed(ctx context.Context, p Placement) error {
	return s.ifStill(ctx, p, func(ctx context.Context, tx Tx, was Placement) error { return s.depart(ctx, tx, was, was) })
}

// ifStill records what came of a removal, unless others have gone on with it meanwhile.
func (s *Service) ifStill(ctx context.Context, p Placement, fn func(ctx context.Context, tx Tx, was Placement) error) error {
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || was.State != PlacementLeaving || was.Attempts != p.Attempts || was.CredentialID != p.CredentialID {
			return err
		}
		return fn(ctx, tx, was)
	})
}

// depart records that no key of a placement is known to be on its server. It is gone
// when none can land any more, and else is looked for until then.
func (s *Service) depart(ctx context.Context, tx Tx, next, was Placement) error {
	next.Problem, next.Detail = NoProblem, ""
	if next.RecheckAt.IsZero() {
		return s.gone(ctx, tx, next, was)
	}
	next.CredentialID, next.Holder, next.NextAt = 0, "", s.Now().Add(backoff(was.Attempts))
	if next.NextAt.After(next.RecheckAt) {
		next.NextAt = latest(next.RecheckAt, s.Now())
	}
	if _, err := s.move(ctx, tx, next, was); err != nil {
		return err
	}
	return s.succeed(ctx, tx, next)
}

// gone ends a placement.
func (s *Service) gone(ctx context.Context, tx Tx, next, was Placement) error {
	next.State, next.GoneAt, next.Holder = PlacementGone, s.Now(), ""
	if _, err := s.move(ctx, tx, next, was); err != nil {
		return err
	}
	if err := s.lookWhenGone(ctx, tx, next); err != nil {
		return err
	}
	return s.succeed(ctx, tx, next)
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
		if err := Record(ctx, tx, s.Now(), "", "placement.double", "placement", extra.ID, "", string(PlacementLeaving), c.Label); err != nil {
			return err
		}
		if err := tx.Wake(ctx, Work{Kind: WorkRemove, ID: p.ServerID}); err != nil {
			return err
		}
	}
	if len(copies) == 0 {
		return nil
	}
	return s.reopen(ctx, tx, p)
}

// succeed has what a removal made room for placed, such as the second half of a
// renewal: that at once, before other additions.
func (s *Service) succeed(ctx context.Context, tx Tx, left Placement) error {
	changed, err := s.aligned(ctx, tx, []int64{left.ServerID})
	if err != nil {
		return err
	}
	for i, p := range changed {
		same := p.State == PlacementWanted && p.SystemUser == left.SystemUser && p.Fingerprint == left.Fingerprint // an unknown one is urgent already
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
