package workflow

import (
	"context"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// A rotation is carried out by the sweep of the process that holds it: it alone has the private
// half. Its hold is longer than any step takes, so that others take a rotation over only when
// that process has died.
const (
	stepFor = 20 * time.Second // the longest that a step takes
	holdFor = 40 * time.Second // the hold of a process, counted from the next step

	lookAgain  = time.Second      // the shortest wait between two looks, for what is usually quick
	checkAgain = 4 * time.Second  // the longest between two looks at a check
	drainAgain = 15 * time.Second // the longest between two looks at what the system is doing, or at old keys
	trialAgain = 10 * time.Second // before a step that came to nothing is tried again
	longTrial  = 20 * time.Second // the longest such wait, so that after a death another process is at work within a minute

	placeWithin = 10 * time.Minute // from the pair until its private half is in the account
	checkWithin = 15 * time.Minute
	drainWithin = 10 * time.Minute
)

// Rotate goes on with the rotations that are due, each by one step. Any replica may call it at
// any time; a process that was started to end access only must not.
func (s *Service) Rotate(ctx context.Context) error {
	s.halves.turn.Lock()
	defer s.halves.turn.Unlock()
	var open []access.Rotation
	var restored access.Restored
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		if restored, err = access.RestoredOf(ctx, tx); err != nil {
			return err
		}
		open, err = tx.OpenRotations(ctx)
		return err
	})
	if err != nil {
		return err
	}
	s.halves.keep(open)
	if restored.Waiting() {
		return nil
	}
	var trouble error
	for _, r := range open {
		if s.rotationDue(r) {
			trouble = errors.Join(trouble, s.goOn(ctx, r))
		}
	}
	return trouble
}

// rotationDue reports whether this process may do the next step of a rotation now. A time too far
// ahead was set by a clock that was wrong.
func (s *Service) rotationDue(r access.Rotation) bool {
	ahead := func(at time.Time) bool {
		left := at.Sub(s.Now())
		return left > 0 && left <= longTrial+holdFor
	}
	switch {
	case s.Accounts == nil, r.State == access.RotationAsked, r.State == access.RotationHalfway, ahead(r.NextAt):
		return false
	}
	return r.Holder == "" || r.Holder == s.Engine.Settings.Replica || !ahead(r.HeldUntil)
}

// goOn does one step of a rotation. What keeps it from going on is said, and it is tried again.
func (s *Service) goOn(ctx context.Context, was access.Rotation) error {
	r, ok, err := s.hold(ctx, was)
	if err != nil || !ok {
		return err
	}
	step, cancel := context.WithTimeout(ctx, stepFor)
	defer cancel()
	err = s.step(step, r)
	if err == nil || ctx.Err() != nil || access.CodeOf(err) == access.Internal {
		return err
	}
	return s.tryLater(ctx, r, err)
}

// hold makes a rotation this process's, or keeps it so.
func (s *Service) hold(ctx context.Context, was access.Rotation) (next access.Rotation, ok bool, err error) {
	next = was
	if was.Holder == s.Engine.Settings.Replica && was.HeldUntil.Sub(s.Now()) > stepFor {
		return next, true, nil
	}
	next.Holder, next.HeldUntil = s.Engine.Settings.Replica, s.Now().Add(holdFor).Truncate(time.Millisecond)
	err = s.Store.Update(ctx, func(tx access.Tx) (err error) {
		ok, err = tx.MoveRotation(ctx, next, was)
		return err
	})
	return next, ok, err
}

func (s *Service) step(ctx context.Context, r access.Rotation) error {
	switch r.State {
	case access.RotationPreparing:
		return s.prepare(ctx, r)
	case access.RotationPlacing:
		return s.awaitPlaced(ctx, r)
	case access.RotationConfirming:
		return s.awaitListed(ctx, r)
	case access.RotationWriting:
		return s.settleWrite(ctx, r)
	case access.RotationChecking, access.RotationProving:
		return s.checkMachines(ctx, r)
	case access.RotationDraining:
		return s.drain(ctx, r)
	case access.RotationRemoving:
		return s.awaitRemoved(ctx, r)
	case access.RotationAsked, access.RotationHalfway, access.RotationDone, access.RotationFailed, access.RotationDropped:
	}
	return nil
}

// pause returns how long to wait before the next look at a rotation: longer, up to a limit, the
// longer it has been in its state.
func (s *Service) pause(r access.Rotation, longest time.Duration) time.Duration {
	return min(max(s.Now().Sub(r.Since)/4, lookAgain), longest)
}

// tryLater notes what keeps a rotation from going on.
func (s *Service) tryLater(ctx context.Context, was access.Rotation, cause error) error {
	next := was
	next.Problem, next.NextAt = access.MessageOf(cause), s.Now().Add(min(max(trialAgain, access.RetryAfter(cause)), longTrial))
	return s.saveRotation(ctx, next, was)
}

// saveRotation stores what a step came to, whoever stops us meanwhile, with what else belongs to it.
// Another process that has taken the rotation over knows better.
func (s *Service) saveRotation(ctx context.Context, next, was access.Rotation, also ...func(context.Context, access.Tx) error) error {
	ctx = context.WithoutCancel(ctx)
	next.HeldUntil = later(s.Now(), next.NextAt).Add(holdFor)
	if next.State.Over() || next.State == access.RotationHalfway {
		next.Holder, next.HeldUntil = "", time.Time{}
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		won, err := s.moveRotation(ctx, tx, next, was, "")
		if err != nil || !won {
			return err
		}
		for _, do := range also {
			if err := do(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// moveRotation stores a rotation unless somebody else did meanwhile, which it reports, records a
// change of its state, and has its request drawn anew where that shows.
func (s *Service) moveRotation(ctx context.Context, tx access.Tx, next, was access.Rotation, actor access.UserID) (bool, error) {
	if next.State != was.State && !(next.State.InMemory() && was.State.InMemory()) {
		next.Since = s.Now()
	}
	won, err := tx.MoveRotation(ctx, next, was)
	if err != nil || !won {
		return won, err
	}
	if next.State == was.State && next.Problem == was.Problem && slices.Equal(next.Busy, was.Busy) {
		return true, nil
	}
	if next.State != was.State {
		if err := access.Record(ctx, tx, s.Now(), actor, access.DidRotate(next.State), access.NounRotation, next.RequestID, string(was.State), string(next.State), next.Fingerprint); err != nil {
			return true, err
		}
	}
	return true, access.AnnounceNow(ctx, tx, next.RequestID)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
