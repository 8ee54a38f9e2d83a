package workflow

import (
	"context"
	"errors"
	"time"

	"sshkeybot/internal/access"
)

// Every timer stands in a row of the ledger; the methods of this file claim what
// is due. Any replica may call them at any time, as often as it likes.

// Sweep claims everything that is due now: ends, expiries, reminders and renewals.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.watchClock(ctx), allOf(ctx, s.EndDue, 1), allOf(ctx, s.ExpireRequests, endBatch), s.remindPersons(ctx), s.remindApprovers(ctx), s.Engine.Reserve(ctx), s.Engine.Renew(ctx), s.Engine.TellLapsed(ctx), s.sealOldMoves(ctx))
}

// allOf claims in batches until one is smaller than full, so that many ends at the same
// instant are all on time.
func allOf(ctx context.Context, claim func(context.Context) (int, error), full int) error {
	for {
		n, err := claim(ctx)
		if err != nil || n < full {
			return err
		}
	}
}

func (s *Service) remindPersons(ctx context.Context) error {
	now := s.Now()
	ending, err := s.endingSoon(ctx, now)
	if err != nil || len(ending) == 0 {
		return err
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		for _, g := range ending {
			g, err := tx.Grant(ctx, g.ID)
			if err != nil {
				return err
			}
			if !g.RemindedAt.IsZero() || now.Before(g.RemindAt()) { // it was extended meanwhile
				continue
			}
			g.RemindedAt = now
			if won, err := tx.MoveGrant(ctx, g, access.Live); err != nil || !won {
				return err
			}
			n := access.Notice{Key: access.NoticeKey("ending:"+g.EndsAt.UTC().Format(time.RFC3339), g.ID), Kind: access.NoticeEnding, To: g.Person, RequestID: g.RequestID, GrantID: g.ID}
			if err := tx.Notify(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) endingSoon(ctx context.Context, now time.Time) (ending []access.Grant, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		// No limit here: short grants that are not half over would crowd out the others.
		grants, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, EndsBefore: now.Add(access.ReminderLead), NotReminded: true})
		ending = ending[:0]
		for _, g := range grants {
			if len(ending) < endBatch && !now.Before(g.RemindAt()) && g.LiveAt(now) {
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
	return s.Store.Update(ctx, func(tx access.Tx) error {
		for _, r := range due {
			r, err := tx.Request(ctx, r.ID)
			if err != nil {
				return err
			}
			if r.State != access.Pending || !r.RemindedAt.IsZero() {
				continue
			}
			r.RemindedAt = now
			if won, err := tx.MoveRequest(ctx, r, access.Pending); err != nil || !won {
				return err
			}
			if err := tx.Notify(ctx, access.Notice{Key: access.NoticeKey("reminder", r.ID), Kind: access.NoticeReminder, RequestID: r.ID}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) unanswered(ctx context.Context, now time.Time) (due []access.Request, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		pending, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}})
		due = due[:0]
		for _, r := range pending {
			start := s.decidableSince(r)
			third := start.Add(r.ExpiresAt.Sub(start) / 3)
			if r.RemindedAt.IsZero() && !now.Before(third) && now.Before(r.ExpiresAt) {
				due = append(due, r)
			}
		}
		return err
	})
	return due, err
}

// decidableSince returns from when on the approvers could decide a request: a wait for a key may
// have come before.
func (s *Service) decidableSince(r access.Request) time.Time {
	start := r.ExpiresAt.Add(-s.Settings.RequestTTL)
	if r.CreatedAt.After(start) {
		return r.CreatedAt
	}
	return start
}

// flagSummary keeps the day of the last daily summary.
const flagSummary = "summary"

// Summarise queues the daily summary once a day from its hour on, when there is
// something to say: keys that are owed or to be decided about, or access that is live.
// The time of day is that of now's zone.
func (s *Service) Summarise(ctx context.Context, at time.Duration) error {
	now := s.Now()
	day := now.Format(time.DateOnly)
	// By the clock on the wall: the day the clocks change does not have 24 hours.
	hour := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, int(at.Seconds()), 0, now.Location())
	early := now.Before(hour)
	if early {
		day = now.AddDate(0, 0, -1).Format(time.DateOnly) // the last whose hour has come
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		last, err := tx.Flag(ctx, flagSummary)
		if err != nil || last == day || early && last != "" {
			return err
		}
		if err := tx.SetFlag(ctx, flagSummary, day); err != nil || last == "" {
			return err // installed after that hour: there is nothing to sum up
		}
		debt, err := tx.CountDebt(ctx, access.DebtQuery{At: now})
		if err != nil {
			return err
		}
		live, err := tx.CountGrants(ctx, access.GrantQuery{State: access.Live})
		if err != nil {
			return err
		}
		undecided, err := tx.Undecided(ctx)
		if err != nil || debt+live+len(undecided) == 0 {
			return err
		}
		return tx.Notify(ctx, access.Notice{Key: "summary:" + day, Kind: access.NoticeSummary})
	})
}
