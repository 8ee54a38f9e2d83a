package reconcile

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

const (
	renewalLead    = time.Hour // before its target's own timer ends a key, it is renewed
	longestWait    = time.Hour // before anything is tried again
	renewalsAtOnce = 200       // that one transaction begins

	longestBackoff = lastBackoff * 6 / 5 // with its jitter
)

// WakeDue wakes the work that is due and that nobody woke, or whose waking was lost, and checks
// whether a few of the servers are in line.
func (e *Engine) WakeDue(ctx context.Context) error {
	if err := e.checkSome(ctx); err != nil {
		return err
	}
	var due []access.Work
	err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
		due, err = e.workDue(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		now := e.Now()
		latest := access.Waits{Retry: now.Add(longestBackoff), Refused: now.Add(longestRefusal), Limited: now.Add(longestBackoff), InDoubt: now.Add(longestDoubt)}
		if slices.ContainsFunc(e.Targets, func(t access.Target) bool { return paceOf(t).Pause > 0 }) {
			latest.Limited = now.Add(longestWait)
		}
		if err := tx.CapWaits(ctx, latest); err != nil {
			return err
		}
		return tx.Wake(ctx, due...)
	})
}

func (e *Engine) workDue(ctx context.Context, tx access.Tx) ([]access.Work, error) {
	due, err := tx.IdleWork(ctx, e.Now())
	if err != nil {
		return nil, err
	}
	inspections, err := e.inspectionsDue(ctx, tx, e.Now())
	if err != nil {
		return nil, err
	}
	marked, err := tx.MarkedOutOfLine(ctx, 1)
	if len(marked) > 0 {
		due = append(due, access.Work{Kind: access.WorkAlign})
	}
	return append(due, inspections...), err
}

// inspectionsDue lists the work on open inspections whose next try has come.
func (e *Engine) inspectionsDue(ctx context.Context, tx access.Tx, now time.Time) (due []access.Work, err error) {
	open, err := tx.OpenInspections(ctx)
	if err != nil {
		return nil, err
	}
	for _, result := range open {
		if result.State != access.Waiting {
			continue
		}
		r, err := tx.Request(ctx, result.RequestID)
		if err != nil {
			return nil, err
		}
		// One of a time to come was last tried when the clock was wrong.
		if !now.Before(inspectAgainAt(result, r.DecidedAt)) || result.UpdatedAt.Sub(now) > firstInspectAgain {
			work, err := inspectionOf(ctx, tx, result)
			if err != nil {
				return nil, err
			}
			due = append(due, work)
		}
	}
	return due, nil
}

// Renew replaces keys that their target would soon remove by itself though a grant still
// covers them, and those that it would never remove though no grant asks for that any
// more: the old credential leaves, and a new one follows at once.
func (e *Engine) Renew(ctx context.Context) error {
	if e.Settings.OnlyRemoves {
		return nil
	}
	var trouble error
	for _, t := range e.Targets {
		if lifetime(t) > 0 && e.renewalsDue(t) {
			trouble = errors.Join(trouble, e.renewOn(ctx, t))
		}
	}
	return trouble
}

// renewalsDue reports whether it is time to ask for renewals on a target again: many keys are
// close to the end of their lifetime all the time, and to look at them takes a while.
func (e *Engine) renewalsDue(t access.Target) bool {
	now := e.Now()
	last, asked := e.renewed.Load(t.Name())
	if asked && now.Sub(last.(time.Time)).Abs() < leadOf(t)/60 {
		return false
	}
	e.renewed.Store(t.Name(), now)
	return true
}

// leadOf returns how long before a target's own timer ends a key it is renewed at the latest.
func leadOf(t access.Target) time.Duration { return min(renewalLead, lifetime(t)/4) }

func (e *Engine) renewOn(ctx context.Context, t access.Target) error {
	query := e.renewalQuery(t, e.Now())
	var due []access.Placement
	err := e.Store.Read(ctx, func(tx access.Tx) error {
		due = nil
		may, err := e.mayRenew(ctx, tx)
		if err != nil || !may { // nobody would place them again
			return err
		}
		due, err = tx.DueRenewals(ctx, query)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	if len(due) == query.Limit {
		e.renewed.Delete(t.Name()) // there may be more
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		again, err := tx.DueRenewals(ctx, query)
		if err != nil {
			return err
		}
		leaving, err := e.moveEach(ctx, tx, again, e.toReplace)
		if err != nil {
			return err
		}
		return e.wakeFor(ctx, tx, leaving)
	})
}

// renewalQuery says which keys are placed anew now. A target may confirm a key as permanent
// that was asked for as temporary, so a permanent one is replaced no more often than a
// temporary one would be.
func (e *Engine) renewalQuery(t access.Target, now time.Time) access.RenewalQuery {
	lifetime, lead := lifetime(t), leadOf(t)
	q := access.RenewalQuery{
		Target: t.Name(), Now: now, Spare: min(time.Minute, lifetime/100), LapsesBefore: now.Add(lead), Spread: lead / 2, PlacedBefore: now.Add(-lifetime),
		Permanent: math.MaxInt64, Limit: renewalsAtOnce,
	}
	if e.Settings.LongGrants == Permanent {
		q.Permanent = lifetime
	}
	return q
}

// leftToOthers reports whether a placement is left to another process: a renewal takes a key
// away only to place it again.
func (e *Engine) leftToOthers(ctx context.Context, tx access.Tx, p access.Placement) (bool, error) {
	if !e.Settings.OnlyRemoves || p.State == access.PlacementLeaving && !p.Urgent {
		return false, nil
	}
	covered, _, err := tx.Covered(ctx, p, e.Now())
	return covered, err
}

// TellLapsed notifies a person, once, when a renewal has not come about by the time
// its target would have removed the old key, or the new one is refused. Until it is
// placed, the request does not say any more that it is.
func (e *Engine) TellLapsed(ctx context.Context) error {
	lapsed := func(ctx context.Context, tx access.Tx) ([]access.Placement, error) {
		renewed, err := tx.Placements(ctx, access.PlacementQuery{Renewed: true, States: access.Trying()})
		return slices.DeleteFunc(renewed, func(p access.Placement) bool {
			late := !p.LapsesAt.IsZero() && !e.Now().Before(p.LapsesAt)
			refused := p.State != access.PlacementLeaving && p.Problem == access.ProblemRefused
			return p.ToldLapsed || !late && !refused
		}), err
	}
	var untold []access.Placement
	err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
		untold, err = lapsed(ctx, tx)
		return err
	})
	if err != nil || len(untold) == 0 {
		return err
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		now := e.Now()
		untold, err := lapsed(ctx, tx)
		if err != nil {
			return err
		}
		for _, p := range untold {
			p.ToldLapsed = true
			if _, err := tx.MovePlacement(ctx, p, p.State, p.Attempts); err != nil {
				return err
			}
			reopened, err := tx.ReopenAdditions(ctx, p, now)
			if err != nil {
				return err
			}
			if err := e.showReopened(ctx, tx, p, reopened); err != nil {
				return err
			}
			at, err := e.identityOf(ctx, tx, p.ServerID)
			if err != nil {
				return err
			}
			// One message tells of all servers of a target that lapse in the same hour.
			n := access.Notice{Key: access.NoticeKey("lapsed:"+at.Target+":"+now.UTC().Format("2006-01-02T15"), p.GrantID), Kind: access.NoticeLapsed, To: p.Person, GrantID: p.GrantID, Target: e.Title(at.Target), Detail: p.Detail}
			if err := tx.Notify(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}
