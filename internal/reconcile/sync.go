package reconcile

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"sshkeybot/internal/access"
)

const (
	// usableFor is how old the knowledge that a server is online may be.
	usableFor = 5 * time.Minute
	// removableFor is the same where a key is taken away for good: «removed» is said on
	// the strength of it.
	removableFor = time.Minute
	// longestOffline is how old the knowledge that a server is offline may be at most.
	longestOffline = 30 * time.Minute
	// soon is a wait that the worker sits out itself; longer ones are the sweep's.
	soon = 5 * time.Second

	firstBackoff = 2 * time.Second
	lastBackoff  = 5 * time.Minute

	// longestRefusal is how long a removal waits that was refused for good again and again.
	longestRefusal = 4 * time.Hour
)

// backoff returns how long to wait after so many attempts, with jitter so that
// many servers that failed together do not come back together.
func backoff(attempts int) time.Duration {
	d := lastBackoff
	if attempts < 8 {
		d = min(lastBackoff, firstBackoff<<max(0, attempts-1))
	}
	return d*4/5 + rand.N(d*2/5)
}

var errMoreWork = errors.New("there is more work on this server")

// Sync brings one server in line with the ledger: what must leave it (WorkRemove),
// what is renewed there (WorkRenew) or what must be placed on it (WorkAdd). It looks at
// the ledger right before each call and never acts on an old order. When nothing is left
// to do it calls settle in the transaction that found so. A positive again asks to be
// called after that time, without settle having been called.
func (e *Engine) Sync(ctx context.Context, kind access.WorkKind, server int64, settle func(access.Tx) error) (again time.Duration, err error) {
	for {
		due, err := e.dueOn(ctx, kind, server)
		if err != nil {
			return 0, err
		}
		if due != nil {
			if err := e.step(ctx, *due); err != nil {
				return 0, err
			}
		}
		again, err := e.finish(ctx, kind, server, settle)
		if !errors.Is(err, errMoreWork) {
			return again, err
		}
	}
}

func (e *Engine) step(ctx context.Context, p access.Placement) error {
	switch {
	case p.State == access.PlacementLeaving:
		return e.remove(ctx, p)
	case doubtOver(p, e.Now()):
		_, err := e.readBack(ctx, p)
		return err
	case p.State == access.PlacementPlaced:
		return e.verify(ctx, p)
	}
	return e.add(ctx, p)
}

// dueOn returns the next placement on a server that this sort of work has to look
// at now, or nil.
func (e *Engine) dueOn(ctx context.Context, kind access.WorkKind, server int64) (next *access.Placement, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		if err := e.refuseIfHalted(ctx, tx, server); err != nil {
			return err
		}
		next, _, err = e.nextOn(ctx, tx, kind, server)
		return err
	})
	return next, err
}

// nextOn returns the next due placement, and else when one will be due soon.
func (e *Engine) nextOn(ctx context.Context, tx access.Tx, kind access.WorkKind, server int64) (due *access.Placement, wait time.Duration, err error) {
	now := e.Now()
	soonDue, err := tx.Placements(ctx, access.PlacementQuery{
		Server: server, Due: now.Add(soon),
		States: access.Trying(),
	})
	if err != nil {
		return nil, 0, err
	}
	for _, p := range soonDue {
		if WorkOn(p).Kind != kind {
			continue
		}
		others, err := e.leftToOthers(ctx, tx, p)
		if err != nil {
			return nil, 0, err
		}
		if others {
			continue
		}
		left := p.NextAt.Sub(now)
		if left <= 0 {
			return &p, 0, nil
		}
		if wait == 0 || left < wait {
			wait = left
		}
	}
	if kind != access.WorkAdd {
		return nil, wait, nil
	}
	for _, look := range []access.PlacementQuery{{DoubtEndsBefore: now}, {VerifyBefore: now}} {
		look.Server, look.Limit = server, 1
		found, err := tx.Placements(ctx, look)
		if err != nil || len(found) > 0 {
			return first(found), 0, err
		}
	}
	return nil, wait, nil
}

// first returns the first of them, or nil.
func first(found []access.Placement) *access.Placement {
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

// finish settles the work in a transaction that finds none left and the server not marked.
// Settling comes first: it locks the job, so that whoever wakes this server meanwhile
// waits for this transaction and then either finds the job gone or is found here.
func (e *Engine) finish(ctx context.Context, kind access.WorkKind, server int64, settle func(access.Tx) error) (again time.Duration, err error) {
	err = e.Store.Update(ctx, func(tx access.Tx) error {
		if err := settle(tx); err != nil {
			return err
		}
		due, wait, err := e.nextOn(ctx, tx, kind, server)
		if again = wait; err != nil {
			return err
		}
		if due != nil {
			return errMoreWork
		}
		marked, err := tx.OutOfLineMark(ctx, server)
		switch {
		case err != nil:
			return err
		case marked:
			return errOutOfLine
		case wait > 0:
			return errMoreWork
		}
		return e.updateServer(ctx, tx, server)
	})
	switch {
	case errors.Is(err, errMoreWork) && again > 0:
		return again, nil
	case errors.Is(err, errOutOfLine):
		if err = e.Store.Update(ctx, func(tx access.Tx) error { return e.Reconcile(ctx, tx, []int64{server}) }); err == nil {
			err = errMoreWork
		}
	}
	return 0, err
}

// priorityOf of the calls that a placement needs.
func priorityOf(p access.Placement) access.Priority {
	switch {
	case p.Urgent:
		return access.Renewal
	case p.State == access.PlacementLeaving:
		return access.Removal
	}
	return access.Addition
}

// move stores a placement's new state if nobody changed it since it was read, with
// the audit event of a change of state and the results that follow. It reports
// whether it won.
func (e *Engine) move(ctx context.Context, tx access.Tx, p access.Placement, was access.Placement) (bool, error) {
	won, err := e.moveUnrecorded(ctx, tx, p, was)
	if err != nil || !won || p.State == was.State || p.State == access.PlacementUnknown {
		return won, err
	}
	return true, access.RecordMoves(ctx, tx, e.Now(), []access.Move{moveOf(was, p)})
}

// moveOf returns the move from one form of a placement to the next.
func moveOf(was, next access.Placement) access.Move {
	return access.Move{From: was.State, Renewal: was.Urgent || next.Urgent, Placement: next}
}

// moveEach moves placements as move does, each to what next returns for it, and records them
// together. It returns them as they are then.
func (e *Engine) moveEach(ctx context.Context, tx access.Tx, all []access.Placement, next func(access.Placement) access.Placement) ([]access.Placement, error) {
	moved := make([]access.Placement, len(all))
	var moves []access.Move
	for i, was := range all {
		moved[i] = next(was)
		won, err := e.moveUnrecorded(ctx, tx, moved[i], was)
		if err != nil {
			return nil, err
		}
		if won {
			moves = append(moves, moveOf(was, moved[i]))
		}
	}
	return moved, access.RecordMoves(ctx, tx, e.Now(), moves)
}

// moveUnrecorded does what move does without the audit event, for those who record several
// moves together.
func (e *Engine) moveUnrecorded(ctx context.Context, tx access.Tx, p access.Placement, was access.Placement) (bool, error) {
	won, err := tx.MovePlacement(ctx, p, was.State, was.Attempts)
	if err != nil || !won {
		return won, err
	}
	switch {
	case p.State == access.PlacementUnknown && p.Attempts == 1 && p.Problem == access.NoProblem:
		return true, nil // the first try changes nothing that anybody is shown
	case was.State == access.PlacementGone:
		return true, e.reappeared(ctx, tx, p)
	}
	return true, e.UpdateResults(ctx, tx, p.On())
}

// begin marks, right before its call, that a placement is being worked on, from a
// fresh look at the ledger. It returns false when there is nothing to do any more.
func (e *Engine) begin(ctx context.Context, id int64, ready func(tx access.Tx, p *access.Placement) (bool, error)) (p access.Placement, ok bool, err error) {
	err = e.Store.Update(ctx, func(tx access.Tx) error {
		was, err := tx.Placement(ctx, id)
		if err != nil {
			return err
		}
		p = was
		if ok, err = ready(tx, &p); err != nil || !ok {
			return err
		}
		p.Attempts, p.Holder, p.NextAt = was.Attempts+1, e.Settings.Replica, e.Now().Add(holdFor)
		ok, err = e.move(ctx, tx, p, was)
		return err
	})
	return p, ok, err
}

// postpone gives a placement back for later, with what stood in the way.
func (e *Engine) postpone(ctx context.Context, p access.Placement, cause error) error {
	return e.record(ctx, p.ServerID, cause, func(ctx context.Context, tx access.Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || was.State != p.State || was.Attempts != p.Attempts {
			return err
		}
		_, err = e.move(ctx, tx, e.later(was, cause), was)
		return err
	})
}

// record writes down that something came to nothing, even when the work was told to
// stop meanwhile, and halts all work when our credentials were refused.
func (e *Engine) record(ctx context.Context, server int64, cause error, fn func(ctx context.Context, tx access.Tx) error) error {
	var halted error
	if access.CodeOf(cause) == access.Unauthorized {
		at, err := e.placeOf(ctx, server)
		if err != nil {
			return err
		}
		halted = e.haltIfUnauthorized(ctx, at.target.Name(), cause)
	}
	ctx = context.WithoutCancel(ctx)
	if err := e.Store.Update(ctx, func(tx access.Tx) error { return fn(ctx, tx) }); err != nil {
		return err
	}
	return halted
}

// later returns a placement that nobody works on any more, and that is tried again
// when the cause lets it. While our credentials are refused nothing is wrong with it.
func (e *Engine) later(p access.Placement, cause error) access.Placement {
	p.Holder, p.NextAt = "", e.Now()
	if access.CodeOf(cause) == access.Unauthorized {
		return p
	}
	p.NextAt = p.NextAt.Add(waitFor(p, cause))
	p.Setback = setbackOf(cause)
	p.Stuck = p.State != access.PlacementLeaving && (p.Problem == access.ProblemForeign || p.Problem == access.ProblemRefused && !p.Urgent) // a renewal was not refused before
	return p
}

// waitFor returns how long a placement waits for its next try. While the target asks for
// patience its limiter decides when what ends access is tried.
func waitFor(p access.Placement, cause error) time.Duration {
	if access.CodeOf(cause) == access.RateLimited && priorityOf(p) == access.Removal {
		return min(max(access.RetryAfter(cause), firstBackoff), probeEvery)
	}
	if problemOf(cause) == access.ProblemRefused && priorityOf(p) == access.Removal {
		return min(firstBackoff<<min(p.Attempts, 20), longestRefusal)
	}
	return min(longestWait, max(access.RetryAfter(cause), backoff(p.Attempts)))
}

// setbackOf returns what an error means for the placement or the result that it concerns.
func setbackOf(err error) access.Setback {
	s := access.Setback{Problem: problemOf(err), Detail: access.MessageOf(err)}
	if e, ok := errors.AsType[*access.Error](err); ok {
		s.Remedy = e.Remedy
	}
	return s
}

// problemOf returns what stands in the way according to an error.
func problemOf(err error) access.Problem {
	if e, ok := errors.AsType[*access.Error](err); ok && e.Problem != access.NoProblem {
		return e.Problem
	}
	switch access.CodeOf(err) {
	case access.RateLimited:
		return access.ProblemLimited
	case access.Forbidden, access.Invalid, access.NotFound:
		return access.ProblemRefused
	}
	return access.ProblemTrouble
}
