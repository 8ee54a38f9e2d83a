package workflow

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// Figures counts what there is now.
type Figures struct {
	Live       int           // grants
	Overdue    int           // grants of these that are past their end, whether or not the ledger could be told so
	Removals   int           // keys that must go and are not confirmed to be gone
	Owed       time.Duration // for how long the oldest of them has had to go
	Waiting    int           // requests before the approvers
	Undecided  int           // keys and API tokens about which an approver has to decide one by one
	Lookalikes int           // of these, keys that may be anybody's
	Unanswered time.Duration // for how long the oldest of them has been before the approvers

	RestoredWaiting bool // nothing is given, since the ledger was put back from a copy and nobody went on yet
}

// Figures reads how much there is. It writes nothing, so that it can be told while the ledger
// cannot be written.
func (s *Service) Figures(ctx context.Context) (f Figures, err error) {
	now := s.Now()
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		if f.Live, err = tx.CountGrants(ctx, access.GrantQuery{State: access.Live}); err != nil {
			return err
		}
		if f.Overdue, err = tx.CountGrants(ctx, access.GrantQuery{State: access.Live, EndsBefore: now}); err != nil {
			return err
		}
		if f.Removals, err = tx.CountDebt(ctx, access.DebtQuery{At: now}); err != nil {
			return err
		}
		if f.Owed, err = owedFor(ctx, tx, f.Removals, now); err != nil {
			return err
		}
		if f.Waiting, err = tx.CountRequests(ctx, waitingOf("")); err != nil {
			return err
		}
		restored, err := access.RestoredOf(ctx, tx)
		if err != nil {
			return err
		}
		f.RestoredWaiting = restored.Waiting()
		undecided, err := tx.Undecided(ctx)
		f.Undecided, f.Lookalikes = 0, 0
		for _, u := range undecided {
			f.Undecided += u.Keys + u.Tokens + u.Lookalikes
			f.Lookalikes += u.Lookalikes
		}
		if err != nil || len(undecided) == 0 {
			return err
		}
		r, err := tx.Request(ctx, undecided[0].RequestID)
		f.Unanswered = now.Sub(r.CreatedAt)
		return err
	})
	return f, err
}

// owedFor returns for how long the oldest of so many removals has been owed.
func owedFor(ctx context.Context, tx access.Tx, removals int, now time.Time) (time.Duration, error) {
	since, err := tx.OldestDebt(ctx, now)
	if err != nil || removals == 0 || since.IsZero() {
		return 0, err
	}
	return max(0, now.Sub(since)), nil
}
