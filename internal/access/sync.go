package access

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
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

// backoff answers how long to wait after so many attempts, with jitter so that
// many servers that failed together do not come back together.
func backoff(attempts int) time.Duration {
	d := lastBackoff
	if attempts < 8 {
		d = min(lastBackoff, firstBackoff<<max(0, attempts-1))
	}
	return d*4/5 + rand.N(d*2/5)
}

var errMore = errors.New("there is more work on this server")

// Sync brings one server in line with the ledger: what must leave it (WorkRemove),
// what is renewed there (WorkRenew) or what must be placed on it (WorkAdd). It looks at
// the ledger right before each call and never acts on an old order. When nothing is left
// to do it calls settle in the transaction that found so. A positive again asks to be
// called after that time, without settle having been called.
func (s *Service) Sync(ctx context.Context, kind WorkKind, server int64, settle func(Tx) error) (again time.Duration, err error) {
	for {
		due, err := s.dueOn(ctx, kind, server)
		if err != nil {
			return 0, err
		}
		if due != nil {
			if err := s.step(ctx, *due); err != nil {
				return 0, err
			}
		}
		again, err := s.finish(ctx, kind, server, settle)
		if !errors.Is(err, errMore) {
			return again, err
		}
	}
}

func (s *Service) step(ctx context.Context, p Placement) error {
	switch {
	case p.State == PlacementLeaving:
		return s.remove(ctx, p)
	case p.doubtOver(s.Now()):
		_, err := s.look(ctx, p)
		return err
	case p.State == PlacementPlaced:
		return s.verify(ctx, p)
	}
	return s.add(ctx, p)
}

// dueOn answers the next placement on a server that this sort of work has to look
// at now, or nil.
func (s *Service) dueOn(ctx context.Context, kind WorkKind, server int64) (next *Placement, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		if err := s.running(ctx, tx); err != nil {
			return err
		}
		next, _, err = s.nextOn(ctx, tx, kind, server)
		return err
	})
	return next, err
}

// nextOn answers the next due placement, and else when one will be due soon.
func (s *Service) nextOn(ctx context.Context, tx Tx, kind WorkKind, server int64) (due *Placement, wait time.Duration, err error) {
	now := s.Now()
	soonDue, err := tx.Placements(ctx, PlacementQuery{
		Server: server, Due: now.Add(soon),
		States: []PlacementState{PlacementWanted, PlacementUnknown, PlacementLeaving},
	})
	if err != nil {
		return nil, 0, err
	}
	for _, p := range soonDue {
		if workOn(p).Kind != kind {
			continue
		}
		others, err := s.othersDo(ctx, tx, p)
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
	if kind != WorkAdd {
		return nil, wait, nil
	}
	for _, look := range []PlacementQuery{{RecheckBefore: now}, {VerifyBefore: now}} {
		look.Server, look.Limit = server, 1
		found, err := tx.Placements(ctx, look)
		if err != nil || len(found) > 0 {
			return first(found), 0, err
		}
	}
	return nil, wait, nil
}

// first returns the first of them, or nil.
func first(found []Placement) *Placement {
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

// finish settles the work in a transaction that finds none left and the server in line.
// Settling comes first: it locks the job, so that whoever wakes this server meanwhile
// waits for this transaction and then either finds the job gone or is found here.
func (s *Service) finish(ctx context.Context, kind WorkKind, server int64, settle func(Tx) error) (again time.Duration, err error) {
	err = s.Store.Update(ctx, func(tx Tx) error {
		if err := settle(tx); err != nil {
			return err
		}
		due, wait, err := s.nextOn(ctx, tx, kind, server)
		if again = wait; err != nil {
			return err
		}
		if due != nil {
			return errMore
		}
		changed, err := s.aligned(ctx, tx, []int64{server})
		switch {
		case err != nil:
			return err
		case len(changed) > 0:
			return errOutOfLine
		case wait > 0:
			return errMore
		}
		return s.updateServer(ctx, tx, server)
	})
	switch {
	case errors.Is(err, errMore) && again > 0:
		return again, nil
	case errors.Is(err, errOutOfLine):
		if err = s.bringServersInLine(ctx, []int64{server}); err == nil {
			err = errMore
		}
	}
	return 0, err
}

// priority of the calls that a placement needs.
func (p Placement) priority() Priority {
	switch {
	case p.Urgent:
		return Renewal
	case p.State == PlacementLeaving:
		return Removal
	}
	return Addition
}

// move stores a placement's new state if nobody changed it since it was read, with
// the audit event of a change of state and the results that follow. It tells
// whether it won.
func (s *Service) move(ctx context.Context, tx Tx, p Placement, was Placement) (bool, error) {
	won, err := tx.MovePlacement(ctx, p, was.State, was.Attempts)
	if err != nil || !won {
		return won, err
	}
	if p.State != was.State && p.State != PlacementUnknown {
		if err := s.auditMove(ctx, tx, p, was.State); err != nil {
			return false, err
		}
	}
	switch {
	case p.State == PlacementUnknown && p.Attempts == 1 && p.Problem == NoProblem:
		return true, nil // the first try changes nothing that anybody is shown
	case was.State == PlacementGone:
		return true, s.cameBack(ctx, tx, p)
	}
	return true, s.updateResults(ctx, tx, p.ServerID, p.SystemUser, p.Fingerprint)
}

func (s *Service) auditMove(ctx context.Context, tx Tx, p Placement, from PlacementState) error {
	detail := fmt.Sprintf("%s on server %d for %s", p.Label, p.ServerID, p.SystemUser)
	if p.Problem == ProblemServerLeft {
		detail += ": the server has left the account"
	}
	return Record(ctx, tx, s.Now(), "", "placement."+string(p.State), "placement", p.ID, string(from), string(p.State), detail)
}

// begin marks, right before its call, that a placement is being worked on, from a
// fresh look at the ledger. It answers false when there is nothing to do any more.
func (s *Service) begin(ctx context.Context, id int64, ready func(tx Tx, p *Placement) (bool, error)) (p Placement, ok bool, err error) {
	err = s.Store.Update(ctx, func(tx Tx) error {
		was, err := tx.Placement(ctx, id)
		if err != nil {
			return err
		}
		p = was
		if ok, err = ready(tx, &p); err != nil || !ok {
			return err
		}
		p.Attempts, p.Holder, p.NextAt = was.Attempts+1, s.EngineSettings.Replica, s.Now().Add(holdFor)
		ok, err = s.move(ctx, tx, p, was)
		return err
	})
	return p, ok, err
}

// postpone gives a placement back for later, with what stood in the way.
func (s *Service) postpone(ctx context.Context, p Placement, cause error) error {
	return s.record(ctx, cause, func(ctx context.Context, tx Tx) error {
		was, err := tx.Placement(ctx, p.ID)
		if err != nil || was.State != p.State || was.Attempts != p.Attempts {
			return err
		}
		_, err = s.move(ctx, tx, s.later(was, cause), was)
		return err
	})
}

// record writes down that something came to nothing, even when the work was told to
// stop meanwhile, and halts all work when our credentials were refused.
func (s *Service) record(ctx context.Context, cause error, fn func(ctx context.Context, tx Tx) error) error {
	halted := s.haltOn(ctx, cause)
	ctx = context.WithoutCancel(ctx)
	if err := s.Store.Update(ctx, func(tx Tx) error { return fn(ctx, tx) }); err != nil {
		return err
	}
	return halted
}

// later answers a placement that nobody works on any more, and that is tried again
// when the cause lets it. While our credentials are refused nothing is wrong with it.
func (s *Service) later(p Placement, cause error) Placement {
	p.Holder, p.NextAt = "", s.Now()
	if CodeOf(cause) == Unauthorized {
		return p
	}
	p.NextAt = p.NextAt.Add(p.wait(cause))
	p.Problem, p.Detail = problemOf(cause), MessageOf(cause)
	p.Stuck = p.State != PlacementLeaving && (p.Problem == ProblemForeign || p.Problem == ProblemRefused && !p.Urgent) // a renewal was not refused before
	return p
}

// wait returns how long a placement waits for its next try. While the target asks for
// patience its limiter decides when what ends access is tried.
func (p Placement) wait(cause error) time.Duration {
	if CodeOf(cause) == RateLimited && p.priority() == Removal {
		return min(max(RetryAfter(cause), firstBackoff), probeEvery)
	}
	if problemOf(cause) == ProblemRefused && p.priority() == Removal {
		return min(firstBackoff<<min(p.Attempts, 20), longestRefusal)
	}
	return min(longestWait, max(RetryAfter(cause), backoff(p.Attempts)))
}

func problemOf(err error) Problem {
	e, ours := errors.AsType[*Error](err)
	switch {
	case ours && e.Op == opOffline:
		return ProblemOffline
	case ours && e.Op == opForeign:
		return ProblemForeign
	case ours && e.Op == opMissing:
		return ProblemMissing
	case ours && e.Op == opDoubt:
		return ProblemDoubted
	}
	switch CodeOf(err) {
	case RateLimited:
		return ProblemLimited
	case Forbidden, Invalid, NotFound:
		return ProblemRefused
	}
	return ProblemTrouble
}

const (
	opOffline = "offline"
	opForeign = "foreign"
	opMissing = "missing"
	opDoubt   = "doubt"
)
