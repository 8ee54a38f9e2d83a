package access

import (
	"context"
	"errors"
	"math"
	"time"
)

// Every timer stands in a row of the ledger; the methods of this file claim what
// is due. Any replica may call them at any time, as often as it likes.

// reminderLead is how long before a grant's end its person is told.
const reminderLead = 15 * time.Minute

const (
	renewalLead = time.Hour // before RunCloud's own timer ends a key, it is renewed
	longestWait = time.Hour // before anything is tried again
	sweepBatch  = 1000

	longestBackoff = lastBackoff * 6 / 5 // with its jitter
)

// Sweep claims everything that is due now: ends, expiries, reminders, renewals, and
// what Slack is still to be told.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.watchClock(ctx), allOf(ctx, s.EndDue), allOf(ctx, s.ExpireRequests), s.remindPersons(ctx), s.remindApprovers(ctx), s.renew(ctx), s.tellLapsed(ctx), s.wakeOutbox(ctx))
}

// allOf claims in batches until a batch is not full, so that many ends at the same
// instant are all on time.
func allOf(ctx context.Context, claim func(context.Context) (int, error)) error {
	for {
		n, err := claim(ctx)
		if err != nil || n < endBatch {
			return err
		}
	}
}

// WakeDue wakes the work on every server that has some due, and brings the servers in
// line that are not: where a transaction missed another's change, or work that was to do
// it was lost.
func (s *Service) WakeDue(ctx context.Context) error {
	var askew []int64
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
		askew, err = tx.OutOfLine(ctx, s.Now().Truncate(time.Millisecond))
		return err
	})
	if err != nil {
		return err
	}
	if err := s.bringServersInLine(ctx, askew); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		now := s.Now()
		latest := Waits{Retry: now.Add(longestBackoff), Refused: now.Add(longestRefusal), Limited: now.Add(longestBackoff), Recheck: now.Add(longestDoubt)}
		if s.pace().Pause > 0 {
			latest.Limited = now.Add(longestWait)
		}
		if err := tx.CapWaits(ctx, latest); err != nil {
			return err
		}
		due, err := tx.DueWork(ctx, now)
		if err != nil {
			return err
		}
		inspections, err := s.inspectionsDue(ctx, tx, now)
		if err != nil {
			return err
		}
		return tx.Wake(ctx, append(due, inspections...)...)
	})
}

// inspectionsDue lists the servers with open inspections whose next try has come.
func (s *Service) inspectionsDue(ctx context.Context, tx Tx, now time.Time) (due []Work, err error) {
	open, err := tx.OpenInspections(ctx)
	if err != nil {
		return nil, err
	}
	for _, result := range open {
		if result.State != Waiting {
			continue
		}
		r, err := tx.Request(ctx, result.RequestID)
		if err != nil {
			return nil, err
		}
		// One of a time to come was last tried when the clock was wrong.
		if !now.Before(inspectAgainAt(result, r.DecidedAt)) || result.UpdatedAt.Sub(now) > firstInspectAgain {
			due = append(due, Work{Kind: WorkInspect, ID: result.ServerID})
		}
	}
	return due, nil
}

func (s *Service) wakeOutbox(ctx context.Context) error {
	var drawings, notices []int64
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
		if drawings, err = tx.DueDrawings(ctx, s.Now()); err != nil {
			return err
		}
		notices, err = tx.DueNotices(ctx, s.Now())
		return err
	})
	if err != nil || len(drawings)+len(notices) == 0 {
		return err
	}
	var work []Work
	for _, id := range drawings {
		work = append(work, Work{Kind: WorkAnnounce, ID: id})
	}
	for _, id := range notices {
		work = append(work, Work{Kind: WorkNotice, ID: id})
	}
	return s.Store.Update(ctx, func(tx Tx) error { return tx.Wake(ctx, work...) })
}

// remindAt answers when a grant's person is told that it ends soon: a quarter of an
// hour before, and half-way through a shorter grant.
func remindAt(g Grant) time.Time {
	halfway := g.StartsAt.Add(g.EndsAt.Sub(g.StartsAt) / 2)
	if early := g.EndsAt.Add(-reminderLead); early.After(halfway) {
		return early
	}
	return halfway
}

func (s *Service) remindPersons(ctx context.Context) error {
	now := s.Now()
	ending, err := s.endingSoon(ctx, now)
	if err != nil || len(ending) == 0 {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		for _, g := range ending {
			g, err := tx.Grant(ctx, g.ID)
			if err != nil {
				return err
			}
			if !g.RemindedAt.IsZero() || now.Before(remindAt(g)) { // it was extended meanwhile
				continue
			}
			g.RemindedAt = now
			if won, err := tx.MoveGrant(ctx, g, Live); err != nil || !won {
				return err
			}
			n := Notice{Key: noticeKey("ending:"+g.EndsAt.UTC().Format(time.RFC3339), g.ID), Kind: NoticeEnding, To: g.Person, RequestID: g.RequestID, GrantID: g.ID}
			if err := tx.Notify(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) endingSoon(ctx context.Context, now time.Time) (ending []Grant, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		// No limit here: short grants that are not half over would crowd out the others.
		grants, err := tx.Grants(ctx, GrantQuery{State: Live, EndsBefore: now.Add(reminderLead), NotReminded: true})
		ending = ending[:0]
		for _, g := range grants {
			if len(ending) < endBatch && !now.Before(remindAt(g)) && g.LiveAt(now) {
				ending = append(ending, g)
			}
		}
		return err
	})
	return ending, err
}

// remindApprovers reminds them once, after a third of the time that a request waits.
func (s *Service) remindApprovers(ctx context.Context) error {
	now := s.Now()
	due, err := s.unanswered(ctx, now)
	if err != nil || len(due) == 0 {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		for _, r := range due {
			r, err := tx.Request(ctx, r.ID)
			if err != nil {
				return err
			}
			if r.State != Pending || !r.RemindedAt.IsZero() {
				continue
			}
			r.RemindedAt = now
			if won, err := tx.MoveRequest(ctx, r, Pending); err != nil || !won {
				return err
			}
			if err := tx.Notify(ctx, Notice{Key: noticeKey("reminder", r.ID), Kind: NoticeReminder, RequestID: r.ID}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) unanswered(ctx context.Context, now time.Time) (due []Request, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		pending, err := tx.Requests(ctx, RequestQuery{States: []RequestState{Pending}})
		due = due[:0]
		for _, r := range pending {
			start := r.ExpiresAt.Add(-s.Settings.RequestTTL) // a wait for a key came before
			if r.CreatedAt.After(start) {
				start = r.CreatedAt
			}
			third := start.Add(r.ExpiresAt.Sub(start) / 3)
			if r.RemindedAt.IsZero() && !now.Before(third) && now.Before(r.ExpiresAt) {
				due = append(due, r)
			}
		}
		return err
	})
	return due, err
}

// renew replaces keys that RunCloud would soon remove by itself though a grant still
// covers them, and those that it would never remove though no grant asks for that any
// more: the old credential leaves, and a new one follows at once.
func (s *Service) renew(ctx context.Context) error {
	if s.EngineSettings.OnlyRemoves {
		return nil
	}
	query := s.toRenew(s.Now())
	var due []Placement
	err := s.Store.Read(ctx, func(tx Tx) error {
		due = nil
		v, err := s.clocks(ctx, tx)
		if err != nil || v.mark.Lost { // nobody would place them again
			return err
		}
		due, err = tx.DueRenewals(ctx, query)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		again, err := tx.DueRenewals(ctx, query)
		if err != nil {
			return err
		}
		for i, p := range again {
			was := p
			p = s.replaced(p)
			if _, err := s.move(ctx, tx, p, was); err != nil {
				return err
			}
			again[i] = p
		}
		return s.wakeFor(ctx, tx, again)
	})
}

// toRenew says which keys are placed anew now. RunCloud may confirm a key as permanent
// that was asked for as temporary, so a permanent one is replaced no more often than a
// temporary one would be.
func (s *Service) toRenew(now time.Time) RenewalQuery {
	lead := min(renewalLead, s.EngineSettings.TemporaryLifetime/4)
	q := RenewalQuery{
		Now: now, Spare: min(time.Minute, s.EngineSettings.TemporaryLifetime/100), LapsesBefore: now.Add(lead), Spread: lead / 2, PlacedBefore: now.Add(-s.EngineSettings.TemporaryLifetime),
		Permanent: math.MaxInt64, Limit: sweepBatch,
	}
	if s.EngineSettings.LongGrants == Permanent {
		q.Permanent = s.EngineSettings.TemporaryLifetime
	}
	return q
}

// othersDo tells whether a placement is left to another process: a renewal takes a key
// away only to place it again.
func (s *Service) othersDo(ctx context.Context, tx Tx, p Placement) (bool, error) {
	if !s.EngineSettings.OnlyRemoves || p.State == PlacementLeaving && !p.Urgent {
		return false, nil
	}
	covered, _, err := tx.Covered(ctx, p, s.Now())
	return covered, err
}

// tellLapsed tells a person, once, when a renewal has not come about by the time
// RunCloud would have removed the old key, or RunCloud refuses the new one. Until it is
// placed, the request does not say any more that it is.
func (s *Service) tellLapsed(ctx context.Context) error {
	return s.Store.Update(ctx, func(tx Tx) error {
		now := s.Now()
		late, err := tx.Placements(ctx, PlacementQuery{States: []PlacementState{PlacementWanted, PlacementUnknown, PlacementLeaving}, LapsesBefore: now})
		if err != nil {
			return err
		}
		refused, err := tx.Placements(ctx, PlacementQuery{States: []PlacementState{PlacementWanted, PlacementUnknown}, Problem: ProblemRefused})
		if err != nil {
			return err
		}
		told := map[int64]bool{}
		for _, p := range append(late, refused...) {
			if !p.Urgent || p.ToldLapsed || told[p.ID] {
				continue
			}
			p.ToldLapsed, told[p.ID] = true, true
			if _, err := tx.MovePlacement(ctx, p, p.State, p.Attempts); err != nil {
				return err
			}
			reopened, err := tx.ReopenAdditions(ctx, p, now)
			if err != nil {
				return err
			}
			if err := s.showReopened(ctx, tx, p, reopened); err != nil {
				return err
			}
			// One message tells of all servers that lapse in the same hour.
			n := Notice{Key: noticeKey("lapsed:"+now.UTC().Format("2006-01-02T15"), p.GrantID), Kind: NoticeLapsed, To: p.Person, GrantID: p.GrantID, Detail: p.Detail}
			if err := tx.Notify(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// flagSummary keeps the day of the last daily summary.
const flagSummary = "summary"

// Summarise queues the daily summary once a day from its hour on, when there is
// something to say: keys that are owed, or access that is live. The time of day is
// that of now's zone.
func (s *Service) Summarise(ctx context.Context, at time.Duration) error {
	now := s.Now()
	day := now.Format(time.DateOnly)
	// By the clock on the wall: the day the clocks change does not have 24 hours.
	hour := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, int(at.Seconds()), 0, now.Location())
	early := now.Before(hour)
	if early {
		day = now.AddDate(0, 0, -1).Format(time.DateOnly) // the last whose hour has come
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		last, err := tx.Flag(ctx, flagSummary)
		if err != nil || last == day || early && last != "" {
			return err
		}
		if err := tx.SetFlag(ctx, flagSummary, day); err != nil || last == "" {
			return err // installed after that hour: there is nothing to sum up
		}
		debt, err := tx.Debt(ctx, s.Now())
		if err != nil {
			return err
		}
		live, err := tx.Grants(ctx, GrantQuery{State: Live})
		if err != nil || len(debt)+len(live) == 0 {
			return err
		}
		return tx.Notify(ctx, Notice{Key: "summary:" + day, Kind: NoticeSummary})
	})
}
