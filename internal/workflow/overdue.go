package workflow

import (
	"context"

	"sshkeybot/internal/access"
)

// Overdue counts what should be over by the clock, whether or not the ledger could be
// told so.
type Overdue struct {
	Grants   int // live ones past their end
	Removals int // keys that must go and are not confirmed to be gone
}

// Overdue reads what is overdue. It writes nothing, so that it can be told while the
// ledger cannot be written.
func (s *Service) Overdue(ctx context.Context) (o Overdue, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		due, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, EndsBefore: s.Now()})
		if err != nil {
			return err
		}
		debt, err := tx.Debt(ctx, s.Now())
		o = Overdue{Grants: len(due), Removals: len(debt)}
		return err
	})
	return o, err
}
