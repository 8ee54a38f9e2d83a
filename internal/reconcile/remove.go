package reconcile

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// remove takes one key off its server, by the credential id that was recorded, or
// after finding it by the bot's own label.
func (e *Engine) remove(ctx context.Context, p access.Placement) error {
	if p.Urgent { // a renewal, of which nobody may place the other half
		if err := e.mayPlace(ctx, p); err != nil {
			return e.removalStopped(ctx, p, err)
		}
	}
	if err := e.reachable(ctx, p); err != nil {
		return e.removalStopped(ctx, p, err)
	}
	at, err := e.placeOf(ctx, p.ServerID)
	if err != nil {
		return e.removalStopped(ctx, p, err)
	}
	call, release, err := at.target.Acquire(ctx, priorityOf(p))
	if err != nil {
		return err
	}
	defer release()
	work := WorkOn(p)
	p, ok, err := e.begin(ctx, p.ID, func(tx access.Tx, p *access.Placement) (bool, error) {
		return p.State == access.PlacementLeaving && WorkOn(*p) == work, nil // else its renewal ended while it waited
	})
	if err != nil || !ok {
		return err
	}
	// The process died, or the answer was lost, before the id was known: the list has it, if the
	// call has landed.
	if p.CredentialID == "" {
		release()
		_, err := e.readBack(ctx, p)
		return err
	}
	err = at.target.Remove(call, at.id, p.CredentialID)
	// An earlier call of ours has landed whose answer was lost, somebody was quicker, or the
	// target is mistaken: the list tells.
	if access.CodeOf(err) == access.NotFound {
		release()
		return e.confirmGone(ctx, at.target, p)
	}
	// Should it have taken effect though its answer was lost, the next call is told «not found».
	if err != nil {
		return e.postpone(ctx, p, err)
	}
	return e.removalConfirmed(ctx, p)
}

// removalStopped postpones a removal whose server cannot be reached.
func (e *Engine) removalStopped(ctx context.Context, p access.Placement, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: nothing is wrong with the server
	}
	p, ok, err := e.begin(ctx, p.ID, func(tx access.Tx, p *access.Placement) (bool, error) {
		return p.State == access.PlacementLeaving, nil
	})
	if err != nil || !ok {
		return err
	}
	if access.CodeOf(cause) == access.NotFound {
		return e.giveUpWithServer(ctx, p)
	}
	return e.postpone(ctx, p, cause)
}

// giveUpWithServer ends a removal whose server is gone for good, key and all. That the
// key is off it nobody has confirmed: should the server come back, it is removed then.
// Until that is settled the removal is owed.
func (e *Engine) giveUpWithServer(ctx context.Context, p access.Placement) error {
	gone, err := e.serverIsGone(ctx, p.ServerID, access.Removal)
	if !gone {
		return e.postpone(ctx, p, err)
	}
	return e.ifStill(ctx, p, func(ctx context.Context, tx access.Tx, was access.Placement) error {
		next := was
		next.InDoubtUntil = time.Time{}
		next.Setback = access.Setback{Problem: access.ProblemServerLeft}
		return e.markGone(ctx, tx, next, was)
	})
}

// confirmGone settles a removal that its target answered with «not found».
func (e *Engine) confirmGone(ctx context.Context, t access.Target, p access.Placement) error {
	found, err := e.list(ctx, p)
	switch {
	// «Not found» alone is no proof: the whole server may be out of the target's sight.
	case err != nil:
		return e.readFailed(ctx, p, err)
	// One of the two answers is wrong or old. While the key may be there, its removal is owed.
	case slices.ContainsFunc(found, func(c access.Credential) bool { return c.ID == p.CredentialID }):
		return e.postpone(ctx, p, &access.Error{Code: access.Unavailable, Message: t.Title() + " lists the key but does not find it."})
	case e.deletedByOthers(p):
		return e.ifStill(ctx, p, func(ctx context.Context, tx access.Tx, was access.Placement) error {
			next := was
			next.Setback = access.Setback{Problem: access.ProblemDeleted}
			return e.markGone(ctx, tx, next, was)
		})
	}
	return e.removalConfirmed(ctx, p)
}

// deletedByOthers reports whether a key that is being renewed, and is not there, was deleted by
// somebody: neither by an earlier call of ours, whose answer may have been lost, nor by its target's
// own timer.
func (e *Engine) deletedByOthers(p access.Placement) bool {
	return p.Urgent && p.Temporary && p.Problem != access.ProblemDeleted && p.Attempts <= 1 && p.InDoubtUntil.IsZero() && !e.timerEnded(p)
}

func (e *Engine) list(ctx context.Context, p access.Placement) ([]access.Credential, error) {
	return e.keysOn(ctx, p.ServerID, priorityOf(p))
}

// removalConfirmed records that a removal was confirmed.
func (e *Engine) removalConfirmed(ctx context.Context, p access.Placement) error {
	return e.ifStill(ctx, p, func(ctx context.Context, tx access.Tx, was access.Placement) error {
		return e.keyRemoved(ctx, tx, was, was)
	})
}

// ifStill records what came of a removal, unless others have gone on with it meanwhile.
func (e *Engine) ifStill(ctx context.Context, p access.Placement, fn func(ctx context.Context, tx access.Tx, was access.Placement) error) error {
	ctx = context.WithoutCancel(ctx)
	return e.Store.Update(ctx, func(tx access.Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		// Another replica took us for dead and went on, or the key is wanted again.
		if err != nil || was.State != access.PlacementLeaving || was.Attempts != p.Attempts || was.CredentialID != p.CredentialID {
			return err
		}
		return fn(ctx, tx, was)
	})
}

// keyRemoved records that no key of a placement is known to be on its server. It is gone
// when none can land any more, and else is looked for until then.
func (e *Engine) keyRemoved(ctx context.Context, tx access.Tx, next, was access.Placement) error {
	next.Setback = access.Setback{}
	if next.InDoubtUntil.IsZero() {
		return e.markGone(ctx, tx, next, was)
	}
	next.CredentialID, next.Holder, next.NextAt = "", "", e.Now().Add(backoff(was.Attempts))
	if next.NextAt.After(next.InDoubtUntil) {
		next.NextAt = latest(next.InDoubtUntil, e.Now())
	}
	if _, err := e.move(ctx, tx, next, was); err != nil {
		return err
	}
	return e.realign(ctx, tx, next)
}

// markGone ends a placement.
func (e *Engine) markGone(ctx context.Context, tx access.Tx, next, was access.Placement) error {
	next.State, next.GoneAt, next.Holder = access.PlacementGone, e.Now(), ""
	if _, err := e.move(ctx, tx, next, was); err != nil {
		return err
	}
	if err := e.rereadWhenGone(ctx, tx, next); err != nil {
		return err
	}
	if err := e.listTokens(ctx, tx, next); err != nil {
		return err
	}
	return e.realign(ctx, tx, next)
}

// removeExtras has further copies of a placement's key removed: each carries its label,
// and the ledger knows none of their ids.
func (e *Engine) removeExtras(ctx context.Context, tx access.Tx, p access.Placement, copies []access.Credential) error {
	for _, c := range copies {
		extra := access.Placement{
			ServerID: p.ServerID, SystemUser: p.SystemUser, Fingerprint: p.Fingerprint, Person: p.Person, GrantID: p.GrantID,
			Label: c.Label, State: access.PlacementLeaving, CredentialID: c.ID, Attempts: 1, LeftAt: e.Now(), NextAt: e.Now(),
		}
		extra, err := tx.InsertPlacement(ctx, extra)
		if err != nil {
			return err
		}
		if err := access.Record(ctx, tx, e.Now(), "", access.DidPlacementDouble, access.NounPlacement, extra.ID, "", string(access.PlacementLeaving), c.Label); err != nil {
			return err
		}
		if err := tx.Wake(ctx, access.Work{Kind: access.WorkRemove, ID: p.ServerID}); err != nil {
			return err
		}
	}
	if len(copies) == 0 {
		return nil
	}
	return e.reopen(ctx, tx, p)
}

// realign has what a removal made room for placed, such as the second half of a
// renewal: that at once, before other additions, unless somebody had deleted the first.
func (e *Engine) realign(ctx context.Context, tx access.Tx, left access.Placement) error {
	changed, err := tx.Reconcile(ctx, e.Now().Truncate(time.Millisecond), []int64{left.ServerID})
	if err != nil {
		return err
	}
	for i, p := range changed {
		same := p.State == access.PlacementWanted && p.SystemUser == left.SystemUser && p.Fingerprint == left.Fingerprint // an unknown one is urgent already
		if !left.Urgent || !same {
			continue
		}
		p.Urgent, p.LapsesAt, p.ToldLapsed = true, left.LapsesAt, left.ToldLapsed
		if left.Problem == access.ProblemDeleted {
			p.Urgent, p.Stuck, p.Setback = false, true, left.Setback
		}
		if _, err := tx.MovePlacement(ctx, p.Placement, access.PlacementWanted, p.Attempts); err != nil {
			return err
		}
		if p.Stuck {
			if err := e.keyMissing(ctx, tx, p.Placement); err != nil {
				return err
			}
		}
		changed[i] = p
	}
	return e.reportAndWake(ctx, tx, changed)
}
