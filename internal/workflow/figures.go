package workflow

import (
	"context"

	"sshkeybot/internal/access"
)

// Figures counts what there is now.
type Figures struct {
	Live       int // grants
	Overdue    int // grants of these that are past their end, whether or not the ledger could be told so
	Removals   int // keys that must go and are not confirmed to be gone
	Waiting    int // requests before the approvers
	Undecided  int // keys and API tokens about which an approver has to decide one by one
	Lookalikes int // of these, keys that may be anybody's
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
		if f.Waiting, err = tx.CountRequests(ctx, waitingOf("")); err != nil {
			return err
		}
		undecided, err := tx.Undecided(ctx)
		f.Undecided, f.Lookalikes = 0, 0
		for _, u := range undecided {
			f.Undecided += u.Keys + u.Tokens + u.Lookalikes
			f.Lookalikes += u.Lookalikes
		}
		return err
	})
	return f, err
}
