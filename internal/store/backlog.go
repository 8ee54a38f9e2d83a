package store

import (
	"context"
	"time"

	"sshkeybot/internal/delivery"
)

// Backlog returns how much waits at that time to be sent to Slack, and to be handled of what Slack
// has sent.
func (s *Store) Backlog(ctx context.Context, now time.Time) (outbox, inbox delivery.Backlog, err error) {
	err = s.read(ctx, func(t *tx) error {
		outbox, inbox, err = t.backlog(ctx, now)
		return err
	})
	return outbox, inbox, err
}

func (t *tx) backlog(ctx context.Context, now time.Time) (outbox, inbox delivery.Backlog, err error) {
	scan := func(row scanner) (b delivery.Backlog, err error) {
		err = row.Scan(&b.Waiting, instant{&b.Since})
		return b, err
	}
	outbox, err = one(ctx, t, scan, `SELECT COUNT(*), COALESCE(MIN(since), 0) FROM (
		SELECT queued_at AS since FROM drawings WHERE version > shown UNION ALL SELECT queued_at FROM notices WHERE sent_at = 0) due WHERE since <= $1`, ms(now))
	if err != nil {
		return outbox, inbox, err
	}
	inbox, err = one(ctx, t, scan, "SELECT COUNT(*), COALESCE(MIN(at), 0) FROM inbox WHERE handled = 0")
	return outbox, inbox, err
}
