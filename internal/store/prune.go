package store

import (
	"context"
	"time"
)

// Prune deletes what nothing needs any more, if it is older than that time: handled
// envelopes, which only serve to recognise another delivery, and sent notices. The ledger
// itself is never pruned.
func (s *Store) Prune(ctx context.Context, before time.Time) error {
	return s.db.update(ctx, func(t *tx) error {
		for _, query := range []string{
			"DELETE FROM inbox WHERE handled = 1 AND at < $1",
			"DELETE FROM notices WHERE sent_at > 0 AND sent_at < $1",
		} {
			if _, err := t.Exec(ctx, query, ms(before)); err != nil {
				return err
			}
		}
		return nil
	})
}
