package access

import (
	"context"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/sshkey"
)

// add places one key on its server, unless the ledger no longer wants it there. A
// placement whose earlier call may have taken effect is settled by reading first.
func (s *Service) add(ctx context.Context, p Placement) error {
	if err := s.mayPlace(ctx, p); err != nil {
		return s.additionStopped(ctx, p, err)
	}
	if err := s.reachable(ctx, p); err != nil {
		return s.additionStopped(ctx, p, err)
	}
	if p.State == PlacementUnknown {
		if read, err := s.look(ctx, p); err != nil || !read {
			return err
		}
	}
	turn, release, err := s.Target.Turn(ctx, p.priority())
	if err != nil {
		return err
	}
	defer release()
	var key Key
	call := post{}
	p, ok, err := s.begin(ctx, p.ID, func(tx Tx, p *Placement) (ok bool, err error) {
		call.before = p.RecheckAt
		key, ok, err = s.stillWanted(ctx, tx, p)
		return ok, err
	})
	if err != nil || !ok {
		return err
	}
	call.Placement = p
	placed, err := s.Target.Add(turn, p.ServerID, Credential{
		Label: p.Label, SystemUser: p.SystemUser, PublicKey: key.Public().Line(p.Label), Temporary: &p.Temporary,
	})
	release()
	return s.added(ctx, call, placed, err)
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
	key, err := tx.Key(ctx, p.Fingerprint)
	if err != nil {
		return Key{}, false, err
	}
	if key.Damaged() {
		return Key{}, false, s.refuseDamaged(ctx, tx, *p)
	}
	p.State, p.RecheckAt = PlacementUnknown, s.doubtful(p.RecheckAt)
	p.Temporary = s.temporary(until)
	return key, true, nil
}

// refuseDamaged keeps a key from being placed that is not the one of its fingerprint,
// and says so under the requests that wait for it.
func (s *Service) refuseDamaged(ctx context.Context, tx Tx, was Placement) error {
	next := was
	next.Holder, next.Stuck, next.Problem = "", true, ProblemDamaged
	next.Detail = "My ledger's copy of this key does not have its fingerprint any more, so I do not place it."
	if err := Record(ctx, tx, s.Now(), "", "placement.damaged", "placement", was.ID, string(was.State), string(was.State), was.Fingerprint); err != nil {
		return err
	}
	_, err := s.move(ctx, tx, next, was)
	return err
}

// temporary tells whether a key wanted until then is placed so that RunCloud
// removes it by itself should the bot be gone; zero is for ever.
func (s *Service) temporary(until time.Time) bool {
	if until.IsZero() {
		return false
	}
	return s.EngineSettings.LongGrants != Permanent || until.Sub(s.Now()) <= s.EngineSettings.TemporaryLifetime
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
	return s.postpone(ctx, p, cause)
}

// added records what came of the call.
func (s *Service) added(ctx context.Context, p post, c Credential, err error) error {
	switch {
	case err == nil && !sameLabel(c.Label, p.Label):
		return s.refused(ctx, p, true, invalid("RunCloud answered with the key «"+c.Label+"», which is not the one that I asked for."))
	case err == nil && c.SystemUser != "" && c.SystemUser != p.SystemUser:
		return s.misplaced(ctx, p, c)
	case err == nil:
		return s.placed(ctx, p, c)
	}
	switch CodeOf(err) {
	case Invalid:
		return s.refused(ctx, p, false, err)
	case UnknownOutcome, Internal:
		return s.unplaced(ctx, p, true, err)
	}
	return s.unplaced(ctx, p, false, err) // surely had no effect
}

// misplaced has a key removed again that was confirmed for another system user than
// the one that was asked.
func (s *Service) misplaced(ctx context.Context, p post, c Credential) error {
	wrong := p.Placement
	wrong.SystemUser = c.SystemUser
	ctx = context.WithoutCancel(ctx) // it is there, whoever stops us
	if err := s.Store.Update(ctx, func(tx Tx) error { return s.extras(ctx, tx, wrong, []Credential{c}) }); err != nil {
		return err
	}
	return s.unplaced(ctx, p, false, invalid("RunCloud placed the key for "+c.SystemUser+" instead; I have it removed there."))
}

// unplaced records that a call placed nothing, or, where its answer was lost, that it
// may still. A placement that others have settled meanwhile is then in doubt again:
// the call may land after they had looked.
func (s *Service) unplaced(ctx context.Context, p post, lost bool, cause error) error {
	return s.record(ctx, cause, func(ctx context.Context, tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil {
			return err
		}
		next := p.answered(was)
		if lost {
			next.RecheckAt = latest(next.RecheckAt, s.Now().Add(recheckAfter).Truncate(time.Millisecond))
		}
		switch {
		case was.State == PlacementUnknown && was.Attempts == p.Attempts:
			next = s.later(next, cause)
		case was.State == PlacementLeaving && was.CredentialID == 0:
			next.Holder, next.NextAt = "", s.Now()
		}
		if next = next.doubted(s.Now()); next == was {
			return nil
		}
		_, err = s.move(ctx, tx, next, was)
		return err
	})
}

// refused handles «invalid»: most often the label is taken because an earlier call
// of ours did take effect, or somebody else has placed this very key. odd tells that
// RunCloud did not refuse, but answered with a key that is not ours.
func (s *Service) refused(ctx context.Context, p post, odd bool, cause error) error {
	found, err := s.list(ctx, p.Placement)
	if err != nil {
		return s.unplaced(ctx, p, true, err)
	}
	adopted, err := s.adopt(ctx, p, found)
	if err != nil || adopted {
		return err
	}
	i, err := s.foreignCopy(ctx, found, p.Placement, errors.Is(cause, ErrKeyTaken))
	if err != nil {
		return err
	}
	if i >= 0 {
		cause = &Error{Code: Invalid, Op: opForeign, Message: "Placed by somebody else with the label «" + found[i].Label + "»; I shall not remove it."}
	}
	return s.unplaced(ctx, p, odd, cause)
}

// adopt takes a key that stands under our own label already as the placement's, and
// has further copies removed. It answers false when there is none.
func (s *Service) adopt(ctx context.Context, p post, found []Credential) (adopted bool, err error) {
	ctx = context.WithoutCancel(ctx)
	err = s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || was.State != PlacementUnknown || was.Attempts != p.Attempts {
			adopted = err == nil // others have settled it
			return err
		}
		own, err := s.ownOn(ctx, tx, was, found)
		adopted = len(own) > 0
		if err != nil || !adopted {
			return err
		}
		return s.seen(ctx, tx, p.answered(was), was, own)
	})
	return adopted, err
}

// foreignCopy returns the index of a credential that is this very key for this user; -1
// for none. Its complete key proves it. A visible prefix does not by itself, but names
// the one that is meant where the target says that it has the key, unless all keys of the
// type begin so.
func (s *Service) foreignCopy(ctx context.Context, found []Credential, p Placement, taken bool) (i int, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		key, err := tx.Key(ctx, p.Fingerprint)
		public := key.Public()
		i = slices.IndexFunc(found, func(c Credential) bool {
			return c.SystemUser == p.SystemUser && (sshkey.Proves(c.PublicKey, public) || taken && sshkey.Shows(c.PublicKey, public))
		})
		return err
	})
	return i, err
}

// placed records a confirmed key. When the ledger no longer wants it, the removal
// is woken in this same transaction.
func (s *Service) placed(ctx context.Context, p post, c Credential) error {
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil {
			return err
		}
		next := p.answered(was)
		switch {
		case was.CredentialID == c.ID: // found by reading meanwhile
			_, err := tx.MovePlacement(ctx, next, was.State, was.Attempts)
			return err
		case was.State == PlacementUnknown || was.State == PlacementWanted: // whatever was tried after this call
			return s.recordPlaced(ctx, tx, next, was, c)
		case was.State == PlacementLeaving && was.CredentialID == 0:
			next.CredentialID, next.NextAt, next.Holder = c.ID, s.Now(), ""
			if _, err := s.move(ctx, tx, next, was); err != nil {
				return err
			}
			return tx.Wake(ctx, workOn(next))
		}
		if _, err := tx.MovePlacement(ctx, next, was.State, was.Attempts); err != nil {
			return err
		}
		return s.extras(ctx, tx, was, []Credential{c}) // came too late: another copy is there, or none is wanted
	})
}

func (s *Service) recordPlaced(ctx context.Context, tx Tx, next, was Placement, c Credential) error {
	now := s.Now()
	next.State, next.CredentialID, next.PlacedAt = PlacementPlaced, c.ID, now
	next.Holder, next.Urgent, next.Stuck, next.Problem, next.Detail = "", false, false, NoProblem, ""
	next.LapsesAt, next.ToldLapsed = time.Time{}, false
	if c.Temporary != nil {
		next.Temporary = *c.Temporary
	}
	if next.Temporary {
		next.LapsesAt = s.lapse(c, now)
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
// of what RunCloud says of its creation and our own clock. A creation long ago is
// RunCloud's clock being another than ours: such a key would be renewed for ever.
func (s *Service) lapse(c Credential, now time.Time) time.Time {
	lifetime := s.EngineSettings.TemporaryLifetime
	start := now
	if !c.CreatedAt.IsZero() && c.CreatedAt.Before(now) {
		start = latest(c.CreatedAt, now.Add(-lifetime/2))
	}
	return start.Add(lifetime)
}
