package access

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/sshkey"
)

// add places one key on its server, unless the ledger no longer wants it there. A
// placement whose earlier call may have taken effect is settled by reading first.
func (s *Service) add(ctx context.Context, p Placement) error {
	if err := s.reachable(ctx, p); err != nil {
		return s.additionStopped(ctx, p, err)
	}
	if p.State == PlacementUnknown {
		settled, err := s.settleByList(ctx, p)
		if err != nil || settled {
			return err
		}
	}
	turn, release, err := s.Target.Turn(ctx, p.priority())
	if err != nil {
		return err
	}
	defer release()
	var key Key
	p, ok, err := s.begin(ctx, p.ID, func(tx Tx, p *Placement) (ok bool, err error) {
		key, ok, err = s.stillWanted(ctx, tx, p)
		return ok, err
	})
	if err != nil || !ok {
		return err
	}
	placed, err := s.Target.Add(turn, p.ServerID, Credential{
		Label: p.Label, SystemUser: p.SystemUser, PublicKey: key.Public().Line(p.Label), Temporary: &p.Temporary,
	})
	release()
	return s.added(ctx, p, placed, err)
}

// stillWanted looks at the ledger right before the call: whether the key still is
// wanted there, and until when, which decides whether it is placed as temporary.
func (s *Service) stillWanted(ctx context.Context, tx Tx, p *Placement) (Key, bool, error) {
	if p.State != PlacementWanted && p.State != PlacementUnknown {
		return Key{}, false, nil
	}
	covered, until, err := tx.Covered(ctx, *p, s.Now())
	if err != nil {
		return Key{}, false, err
	}
	if !covered {
		return Key{}, false, s.align(ctx, tx, []int64{p.ServerID})
	}
	p.State = PlacementUnknown
	p.Temporary = s.temporary(until)
	key, err := tx.Key(ctx, p.Fingerprint)
	return key, err == nil, err
}

// temporary tells whether a key wanted until then is placed so that RunCloud
// removes it by itself should the bot be gone; zero is for ever.
func (s *Service) temporary(until time.Time) bool {
	if until.IsZero() {
		return false
	}
	return s.Settings.LongGrants != Permanent || until.Sub(s.Now()) <= s.Settings.TemporaryLifetime
}

// additionStopped postpones an addition whose server cannot be reached.
func (s *Service) additionStopped(ctx context.Context, p Placement, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: nothing is wrong with the server
	}
	p, ok, err := s.begin(ctx, p.ID, func(tx Tx, now *Placement) (bool, error) { return now.State == p.State, nil })
	if err != nil || !ok {
		return err
	}
	return s.postpone(ctx, p, p.State, cause)
}

// added records what came of the call.
func (s *Service) added(ctx context.Context, p Placement, c Credential, err error) error {
	switch {
	case err == nil && c.SystemUser != "" && c.SystemUser != p.SystemUser:
		return s.misplaced(ctx, p, c)
	case err == nil:
		return s.placed(ctx, p, c)
	}
	switch CodeOf(err) {
	case Invalid:
		return s.refused(ctx, p, err)
	case UnknownOutcome, Internal:
		return s.postpone(ctx, p, PlacementUnknown, err) // may have taken effect: settled by reading
	}
	return s.postpone(ctx, p, PlacementWanted, err) // surely had no effect
}

// misplaced has a key removed again that was confirmed for another system user than
// the one that was asked.
func (s *Service) misplaced(ctx context.Context, p Placement, c Credential) error {
	wrong := p
	wrong.SystemUser = c.SystemUser
	ctx = context.WithoutCancel(ctx) // it is there, whoever stops us
	err := s.Store.Update(ctx, func(tx Tx) error { return s.extras(ctx, tx, wrong, []Credential{c}) })
	if err != nil {
		return err
	}
	return s.postpone(ctx, p, PlacementWanted, invalid("RunCloud placed the key for "+c.SystemUser+" instead; I have it removed there."))
}

// refused handles «invalid»: most often the label is taken because an earlier call
// of ours did take effect, or somebody else has placed this very key.
func (s *Service) refused(ctx context.Context, p Placement, cause error) error {
	found, err := s.list(ctx, p)
	if err != nil {
		return s.postpone(ctx, p, PlacementUnknown, err)
	}
	if ours := ownCredentials(found, p); len(ours) > 0 {
		return s.adopt(ctx, p, ours)
	}
	i, err := s.foreignCopy(ctx, found, p)
	if err != nil {
		return err
	}
	if i < 0 {
		return s.postpone(ctx, p, PlacementWanted, cause)
	}
	return s.foreign(ctx, p, found[i])
}

// foreignCopy answers the index of a credential that is proven, by its complete
// key, to be this very key for this user; -1 for none. A visible prefix is no proof.
func (s *Service) foreignCopy(ctx context.Context, found []Credential, p Placement) (i int, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		key, err := tx.Key(ctx, p.Fingerprint)
		i = slices.IndexFunc(found, func(c Credential) bool {
			return c.SystemUser == p.SystemUser && sshkey.Proves(c.PublicKey, key.Public())
		})
		return err
	})
	return i, err
}

func (s *Service) foreign(ctx context.Context, p Placement, c Credential) error {
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || was.State != PlacementUnknown || was.Attempts != p.Attempts {
			return err
		}
		next := was
		next.State, next.Holder, next.Stuck, next.Problem = PlacementWanted, "", true, ProblemForeign
		next.Detail = "Placed by somebody else with the label «" + c.Label + "»; I shall not remove it."
		_, err = s.move(ctx, tx, next, was)
		return err
	})
}

// settleByList settles a lost answer by reading: the key is there under our label,
// or it is not. It answers false when it is not there.
func (s *Service) settleByList(ctx context.Context, p Placement) (bool, error) {
	found, err := s.list(ctx, p)
	if err != nil {
		return true, s.additionStopped(ctx, p, err)
	}
	ours := ownCredentials(found, p)
	if len(ours) == 0 {
		return false, nil
	}
	return true, s.adopt(ctx, p, ours)
}

// adopt takes a key that stands under our own label as the placement's, and has
// further copies removed.
func (s *Service) adopt(ctx context.Context, p Placement, ours []Credential) error {
	if err := s.placed(ctx, p, ours[0]); err != nil {
		return err
	}
	if len(ours) == 1 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx Tx) error { return s.extras(ctx, tx, p, ours[1:]) })
}

// placed records a confirmed key. When the ledger no longer wants it, the removal
// is woken in this same transaction.
func (s *Service) placed(ctx context.Context, p Placement, c Credential) error {
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil {
			return err
		}
		switch {
		case was.State == PlacementUnknown && was.Attempts == p.Attempts:
			return s.recordPlaced(ctx, tx, was, c)
		case was.CredentialID == c.ID:
			return nil // somebody else settled it
		case was.State == PlacementLeaving && was.CredentialID == 0:
			next := was
			next.CredentialID, next.Label, next.NextAt = c.ID, c.Label, s.Now()
			if _, err := s.move(ctx, tx, next, was); err != nil {
				return err
			}
			return tx.Wake(ctx, Work{Kind: WorkRemove, ID: p.ServerID})
		}
		return s.extras(ctx, tx, was, []Credential{c}) // came too late: another copy is there, or none is wanted
	})
}

func (s *Service) recordPlaced(ctx context.Context, tx Tx, was Placement, c Credential) error {
	now := s.Now()
	next := was
	next.State, next.CredentialID, next.Label, next.PlacedAt = PlacementPlaced, c.ID, c.Label, now
	next.Holder, next.Urgent, next.Stuck, next.Problem, next.Detail = "", false, false, NoProblem, ""
	next.LapsesAt, next.ToldLapsed = time.Time{}, false
	if c.Temporary != nil {
		next.Temporary = *c.Temporary
	}
	if next.Temporary {
		next.LapsesAt = s.lapse(c, now)
	}
	if was.Attempts > 1 {
		next.RecheckAt = now.Add(recheckAfter)
	}
	if _, err := s.move(ctx, tx, next, was); err != nil {
		return err
	}
	covered, _, err := tx.Covered(ctx, next, now)
	if err != nil || covered {
		return err
	}
	return s.align(ctx, tx, []int64{was.ServerID}) // its grant ended while the call was under way
}

// lapse answers when RunCloud's own timer ends a temporary key, taking the earlier
// of what RunCloud says of its creation and our own clock.
func (s *Service) lapse(c Credential, now time.Time) time.Time {
	start := now
	if !c.CreatedAt.IsZero() && c.CreatedAt.Before(now) {
		start = c.CreatedAt
	}
	return start.Add(s.Settings.TemporaryLifetime)
}
