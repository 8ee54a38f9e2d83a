package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// add places one key on its server, unless the ledger no longer wants it there. A
// placement whose earlier call may have taken effect is settled by reading first.
func (e *Engine) add(ctx context.Context, p access.Placement) error {
	if err := e.mayPlace(ctx, p); err != nil {
		return e.additionStopped(ctx, p, err)
	}
	if err := e.reachable(ctx, p); err != nil {
		return e.additionStopped(ctx, p, err)
	}
	if p.State == access.PlacementUnknown {
		if read, err := e.readBack(ctx, p); err != nil || !read {
			return err
		}
	}
	at, err := e.placeOf(ctx, p.ServerID)
	if err != nil {
		return e.additionStopped(ctx, p, err)
	}
	leave, release, err := at.target.Acquire(ctx, priorityOf(p))
	if err != nil {
		return err
	}
	defer release()
	var key access.Key
	call := addCall{}
	p, ok, err := e.begin(ctx, p.ID, func(tx access.Tx, p *access.Placement) (ok bool, err error) {
		call.before = p.InDoubtUntil
		key, ok, err = e.stillWanted(ctx, tx, at.target, p)
		return ok, err
	})
	if err != nil || !ok {
		return err
	}
	call.Placement = p
	placed, err := at.target.Add(leave, at.id, access.Credential{
		Label: p.Label, SystemUser: p.SystemUser, PublicKey: key.Public().Line(p.Label), Temporary: &p.Temporary,
	})
	release()
	return e.addAnswered(ctx, at.target.Title(), call, placed, err)
}

// stillWanted looks at the ledger right before the call: whether the key still is
// wanted there, and until when, which decides whether it is placed as temporary.
func (e *Engine) stillWanted(ctx context.Context, tx access.Tx, t access.Target, p *access.Placement) (access.Key, bool, error) {
	if p.State != access.PlacementWanted && p.State != access.PlacementUnknown {
		return access.Key{}, false, nil
	}
	covered, until, err := tx.Covered(ctx, *p, e.Now())
	if err != nil {
		return access.Key{}, false, err
	}
	if !covered {
		return access.Key{}, false, e.reconcilePlacements(ctx, tx, []int64{p.ServerID})
	}
	key, err := tx.Key(ctx, p.Fingerprint)
	if err != nil {
		return access.Key{}, false, err
	}
	if key.Damaged() {
		return access.Key{}, false, e.refuseDamaged(ctx, tx, *p)
	}
	p.State, p.CalledAt, p.InDoubtUntil = access.PlacementUnknown, e.Now(), e.inDoubtUntil(p.InDoubtUntil)
	p.Temporary = e.temporary(t, until)
	return key, true, nil
}

// refuseDamaged keeps a key from being placed that is not the one of its fingerprint,
// and says so under the requests that wait for it.
func (e *Engine) refuseDamaged(ctx context.Context, tx access.Tx, was access.Placement) error {
	next := was
	next.Holder, next.Stuck, next.Problem = "", true, access.ProblemDamaged
	next.Detail = "My ledger's copy of this key does not have its fingerprint any more, so I do not place it."
	if err := access.Record(ctx, tx, e.Now(), "", access.DidPlacementDamaged, access.NounPlacement, was.ID, string(was.State), string(was.State), was.Fingerprint); err != nil {
		return err
	}
	_, err := e.move(ctx, tx, next, was)
	return err
}

// temporary reports whether a key wanted until then is placed so that its target
// removes it by itself should the bot be gone; zero is for ever.
func (e *Engine) temporary(t access.Target, until time.Time) bool {
	lifetime := lifetime(t)
	if until.IsZero() || lifetime == 0 {
		return false
	}
	return e.Settings.LongGrants != Permanent || until.Sub(e.Now()) <= lifetime
}

// additionStopped postpones an addition whose server cannot be reached.
func (e *Engine) additionStopped(ctx context.Context, p access.Placement, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: nothing is wrong with the server
	}
	p, ok, err := e.begin(ctx, p.ID, func(tx access.Tx, now *access.Placement) (bool, error) { return now.State == p.State, nil })
	if err != nil || !ok {
		return err
	}
	return e.postpone(ctx, p, cause)
}

// addAnswered records what came of the call; title is what its target is called.
func (e *Engine) addAnswered(ctx context.Context, title string, p addCall, c access.Credential, err error) error {
	switch {
	// An answer about another key is none about ours: the list settles what came of the call.
	case err == nil && !access.SameLabel(c.Label, p.Label):
		return e.refused(ctx, p, true, access.NewInvalid(title+" answered with the key «"+c.Label+"», which is not the one that I asked for."))
	// It may log in as somebody nobody has approved, so it goes before anything else.
	case err == nil && c.SystemUser != "" && c.SystemUser != p.SystemUser:
		return e.placedForOther(ctx, title, p, c)
	// Confirmed; the ledger may have gone on meanwhile, here or on another replica.
	case err == nil:
		return e.addConfirmed(ctx, p, c)
	}
	switch access.CodeOf(err) {
	// Most often an earlier call of ours, whose answer was lost, has taken the label.
	case access.Invalid:
		return e.refused(ctx, p, false, err)
	// The answer was lost, or nobody knows what it was: the call may have landed, or land yet.
	case access.UnknownOutcome, access.Internal:
		return e.addFailed(ctx, p, true, err)
	}
	// With every other code the target promises that the call had no effect and will have none.
	return e.addFailed(ctx, p, false, err)
}

// placedForOther has a key removed again that was confirmed for another system user than
// the one that was asked.
func (e *Engine) placedForOther(ctx context.Context, title string, p addCall, c access.Credential) error {
	wrong := p.Placement
	wrong.SystemUser = c.SystemUser
	ctx = context.WithoutCancel(ctx) // it is there, whoever stops us
	if err := e.Store.Update(ctx, func(tx access.Tx) error { return e.removeExtras(ctx, tx, wrong, []access.Credential{c}) }); err != nil {
		return err
	}
	return e.addFailed(ctx, p, false, access.NewInvalid(title+" placed the key for "+c.SystemUser+" instead; I have it removed there."))
}

// addFailed records that a call placed nothing, or, where its answer was lost, that it
// may still. A placement that others have settled meanwhile is then in doubt again:
// the call may land after they had looked.
func (e *Engine) addFailed(ctx context.Context, p addCall, lost bool, cause error) error {
	return e.record(ctx, p.ServerID, cause, func(ctx context.Context, tx access.Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil {
			return err
		}
		next := p.answered(was)
		if lost {
			next.InDoubtUntil = latest(next.InDoubtUntil, e.Now().Add(recheckAfter).Truncate(time.Millisecond))
		}
		switch {
		// Nobody else has worked on it since the call began: it is tried again.
		case was.State == access.PlacementUnknown && was.Attempts == p.Attempts:
			next = e.later(next, cause)
		// Its grant ended while the call was under way: the removal looks for it at once.
		case was.State == access.PlacementLeaving && was.CredentialID == "":
			next.Holder, next.NextAt = "", e.Now()
		}
		if next = withConsistentState(next, e.Now()); next == was {
			return nil
		}
		_, err = e.move(ctx, tx, next, was)
		return err
	})
}

// refused handles «invalid»: most often the label is taken because an earlier call
// of ours did take effect, or somebody else has placed this very key. odd reports that
// the target did not refuse, but answered with a key that is not ours.
func (e *Engine) refused(ctx context.Context, p addCall, odd bool, cause error) error {
	found, err := e.list(ctx, p.Placement)
	if err != nil {
		return e.addFailed(ctx, p, true, err)
	}
	adopted, err := e.adopt(ctx, p, found)
	if err != nil || adopted {
		return err
	}
	i, err := e.foreignCopy(ctx, found, p.Placement, errors.Is(cause, access.ErrKeyTaken))
	if err != nil {
		return err
	}
	if i >= 0 {
		cause = &access.Error{Code: access.Invalid, Problem: access.ProblemForeign, Message: "Placed by somebody else with the label «" + found[i].Label + "»; I shall not remove it."}
	}
	return e.addFailed(ctx, p, odd, cause)
}

// adopt takes a key that stands under our own label already as the placement's, and
// has further copies removed. It returns false when there is none.
func (e *Engine) adopt(ctx context.Context, p addCall, found []access.Credential) (adopted bool, err error) {
	ctx = context.WithoutCancel(ctx)
	err = e.Store.Update(ctx, func(tx access.Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || was.State != access.PlacementUnknown || was.Attempts != p.Attempts {
			adopted = err == nil // others have settled it
			return err
		}
		own, err := e.ownOn(ctx, tx, was, found)
		adopted = len(own) > 0
		if err != nil || !adopted {
			return err
		}
		return e.settle(ctx, tx, p.answered(was), was, own)
	})
	return adopted, err
}

// foreignCopy returns the index of a credential that is this very key for this user; -1
// for none. Its complete key proves it. A visible prefix does not by itself, but names
// the one that is meant where the target says that it has the key, unless all keys of the
// type begin so.
func (e *Engine) foreignCopy(ctx context.Context, found []access.Credential, p access.Placement, taken bool) (i int, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		key, err := tx.Key(ctx, p.Fingerprint)
		public := key.Public()
		i = slices.IndexFunc(found, func(c access.Credential) bool {
			return c.SystemUser == p.SystemUser && (sshkey.Proves(c.PublicKey, public) || taken && sshkey.Shows(c.PublicKey, public))
		})
		return err
	})
	return i, err
}

// addConfirmed records a confirmed key. When the ledger no longer wants it, the removal
// is woken in this same transaction.
func (e *Engine) addConfirmed(ctx context.Context, p addCall, c access.Credential) error {
	ctx = context.WithoutCancel(ctx)
	return e.Store.Update(ctx, func(tx access.Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil {
			return err
		}
		next := p.answered(was)
		switch {
		// A reading found it before the answer came, here or on another replica.
		case was.CredentialID == c.ID:
			_, err := tx.MovePlacement(ctx, next, was.State, was.Attempts)
			return err
		// The usual case; or we stood still, and others held the call for lost and tried again.
		case was.State == access.PlacementUnknown || was.State == access.PlacementWanted:
			return e.savePlaced(ctx, tx, next, was, c)
		// Its grant ended while the call was under way: now the removal knows what to delete.
		case was.State == access.PlacementLeaving && was.CredentialID == "":
			next.CredentialID, next.NextAt, next.Holder = c.ID, e.Now(), ""
			if _, err := e.move(ctx, tx, next, was); err != nil {
				return err
			}
			return tx.Wake(ctx, WorkOn(next))
		}
		if _, err := tx.MovePlacement(ctx, next, was.State, was.Attempts); err != nil {
			return err
		}
		// It came too late: another call of ours has placed the key since, or it is held to be gone.
		return e.removeExtras(ctx, tx, was, []access.Credential{c})
	})
}

func (e *Engine) savePlaced(ctx context.Context, tx access.Tx, next, was access.Placement, c access.Credential) error {
	now := e.Now()
	next.State, next.CredentialID, next.PlacedAt = access.PlacementPlaced, c.ID, now
	next.Holder, next.Urgent, next.Stuck, next.Setback = "", false, false, access.Setback{}
	next.LapsesAt, next.ToldLapsed = time.Time{}, false
	if c.Temporary != nil {
		next.Temporary = *c.Temporary
	}
	if next.Temporary {
		lifetime, err := e.lifetimeOn(ctx, tx, was.ServerID)
		if err != nil {
			return err
		}
		next.LapsesAt = lapse(lifetime, c, was.CalledAt, now)
	}
	if _, err := e.move(ctx, tx, next, was); err != nil {
		return err
	}
	covered, _, err := tx.Covered(ctx, next, now)
	if err != nil || covered {
		return err
	}
	return e.reconcilePlacements(ctx, tx, []int64{was.ServerID}) // its grant ended while the call was under way
}

// lapse returns when a target's own timer ends a temporary key. It began with the last call for the key:
// if an earlier one has placed it, that was after the list was read for the last. A call that was longer
// ago than the timer runs says nothing; then the timer began at the earlier of what the target says of
// the key's creation and our own clock. A creation long ago is the target's clock being another than
// ours: such a key would be renewed for ever.
func lapse(lifetime time.Duration, c access.Credential, called, now time.Time) time.Time {
	start := now
	switch {
	case called.After(now.Add(-lifetime)) && !called.After(now):
		start = called
	case !c.CreatedAt.IsZero() && c.CreatedAt.Before(now):
		start = latest(c.CreatedAt, now.Add(-lifetime/2))
	}
	return start.Add(lifetime)
}
