package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// errHalted is what work meets while its target refuses our credentials. Nothing is lost:
// the ledger keeps what is owed, and the work goes on once that is mended.
var errHalted = &access.Error{Code: access.Unauthorized, Op: "halted", Message: "My credentials are refused, so all work there waits."}

const (
	relapse      = 10 * time.Minute // a halt that comes so soon after the last is no news
	firstRelapse = time.Minute
	lastRelapse  = 5 * time.Minute
)

// Halted lists the targets on which all work waits because they refuse our credentials.
func (e *Engine) Halted(ctx context.Context) (halted []access.TargetState, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		halted, err = Halted(ctx, tx)
		return err
	})
	return halted, err
}

// Halted lists the targets on which all work waits because they refuse our credentials.
func Halted(ctx context.Context, tx access.Tx) ([]access.TargetState, error) {
	known, err := tx.Targets(ctx)
	return slices.DeleteFunc(known, func(t access.TargetState) bool { return !t.Halted() }), err
}

// refuseIfHalted refuses to work on a server while its target refuses our credentials:
// every call would only be refused as well.
func (e *Engine) refuseIfHalted(ctx context.Context, tx access.Tx, server int64) error {
	at, err := e.identityOf(ctx, tx, server)
	if err != nil {
		return err
	}
	state, err := tx.Target(ctx, at.Target)
	if err == nil && state.Halted() {
		return errHalted
	}
	return err
}

// haltIfUnauthorized stops all work on a target when the cause says that our credentials are refused, tells
// the team once, and returns errHalted; nil for every other error. Credentials that are
// accepted for some calls and refused for others neither flood the team with news nor the
// target with calls.
func (e *Engine) haltIfUnauthorized(ctx context.Context, target string, cause error) error {
	if access.CodeOf(cause) != access.Unauthorized {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	storeErr := e.Store.Update(ctx, func(tx access.Tx) error {
		t, err := tx.Target(ctx, target)
		if err != nil || t.Halted() {
			return err
		}
		return e.halt(ctx, tx, t, cause)
	})
	if storeErr != nil {
		return storeErr
	}
	return errHalted
}

func (e *Engine) halt(ctx context.Context, tx access.Tx, t access.TargetState, cause error) error {
	news := !t.HaltTold
	if t.HaltTold = true; e.Now().Sub(t.ResumedAt) < relapse {
		t.HaltWait = min(max(firstRelapse, 2*t.HaltWait), lastRelapse)
	} else {
		t.HaltWait = 0
	}
	t.HaltedAt = e.Now()
	t, err := tx.SaveTarget(ctx, t)
	if err != nil {
		return err
	}
	if err := access.Record(ctx, tx, e.Now(), "", access.DidWorkHalt, access.NounTarget, t.ID, "running", "halted", t.Name+": "+access.MessageOf(cause)); err != nil {
		return err
	}
	if err := announceUnsettled(ctx, tx); err != nil || !news {
		return err
	}
	key := "halted:" + t.Name + ":" + t.HaltedAt.UTC().Format(time.RFC3339Nano)
	return tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeHalted, Target: e.Title(t.Name), Detail: access.MessageOf(cause)})
}

// Resume asks each target on which work is halted whether our credentials are accepted
// again, lets it go on if so, and tells so once that holds.
func (e *Engine) Resume(ctx context.Context) error {
	var known []access.TargetState
	err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
		known, err = tx.Targets(ctx)
		return err
	})
	if err != nil {
		return err
	}
	var trouble error
	for _, t := range known {
		switch {
		case t.Halted():
			trouble = errors.Join(trouble, e.tryAgain(ctx, t))
		case t.HaltTold:
			trouble = errors.Join(trouble, e.Store.Update(ctx, func(tx access.Tx) error { return e.tellResumed(ctx, tx, t.Name) }))
		}
	}
	return trouble
}

// tryAgain lets work go on that is halted, once that has lasted long enough; not right
// after a start, which may have brought other credentials.
func (e *Engine) tryAgain(ctx context.Context, t access.TargetState) error {
	target, err := e.target(t.Name)
	if err != nil {
		return nil //nolint:nilerr // it is not configured any more
	}
	if age := e.Now().Sub(t.HaltedAt); e.local(t.Name).tried.Swap(true) && age >= 0 && age < t.HaltWait {
		return nil
	}
	if err := target.Ping(ctx); err != nil {
		return nil //nolint:nilerr // still refused, or not reachable: asked again by the next sweep
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		t, err := tx.Target(ctx, t.Name)
		if err != nil || !t.Halted() {
			return err
		}
		t.HaltedAt, t.ResumedAt = time.Time{}, e.Now()
		if t, err = tx.SaveTarget(ctx, t); err != nil {
			return err
		}
		if err := access.Record(ctx, tx, e.Now(), "", access.DidWorkResume, access.NounTarget, t.ID, "halted", "running", t.Name); err != nil {
			return err
		}
		if err := announceUnsettled(ctx, tx); err != nil {
			return err
		}
		return e.tellResumed(ctx, tx, t.Name)
	})
}

// tellResumed notifies the team that work goes on, after a relapse only when that has held.
func (e *Engine) tellResumed(ctx context.Context, tx access.Tx, target string) error {
	t, err := tx.Target(ctx, target)
	if held := e.Now().Sub(t.ResumedAt); err != nil || t.Halted() || !t.HaltTold || held >= 0 && held < t.HaltWait {
		return err
	}
	t.HaltTold = false
	if _, err := tx.SaveTarget(ctx, t); err != nil {
		return err
	}
	key := "resumed:" + t.Name + ":" + t.ResumedAt.UTC().Format(time.RFC3339Nano)
	return tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeResumed, Target: e.Title(t.Name)})
}

// announceUnsettled has everything drawn anew that waits for a target, since why it waits
// has changed.
func announceUnsettled(ctx context.Context, tx access.Tx) error {
	ids, err := tx.Unsettled(ctx)
	if err != nil {
		return err
	}
	return tx.Announce(ctx, ids...)
}
