package store

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
)

// Outbox returns the outbox's part of the ledger.
func (s *Store) Outbox() delivery.Store { return outbox{s} }

type outbox struct{ store *Store }

// Update implements delivery.Store, as Store.Update does access.Store.
func (o outbox) Update(ctx context.Context, fn func(delivery.Tx) error) error {
	return o.store.update(ctx, func(t *tx) error { return fn(t) })
}

// Read implements delivery.Store.
func (o outbox) Read(ctx context.Context, fn func(delivery.Tx) error) error {
	return o.store.read(ctx, func(t *tx) error { return fn(t) })
}

// Announce implements access.NewsTx.
func (t *tx) Announce(ctx context.Context, requestIDs ...int64) error {
	ids := slices.Compact(slices.Sorted(slices.Values(requestIDs)))
	all := make([][]any, len(ids))
	for i, id := range ids {
		all[i] = []any{id, 1, 0, 0, 0, ms(t.now())}
	}
	return insertMany(ctx, t, "drawings", "request_id, version, shown, next_at, attempts, queued_at",
		`ON CONFLICT (request_id) DO UPDATE SET version = drawings.version + 1,
			queued_at = CASE WHEN drawings.version > drawings.shown THEN drawings.queued_at ELSE excluded.queued_at END`, all)
}

// Drawing implements delivery.Tx.
func (t *tx) Drawing(ctx context.Context, requestID int64) (delivery.Drawing, error) {
	scan := func(row scanner) (d delivery.Drawing, err error) {
		err = row.Scan(&d.RequestID, &d.Version, &d.Shown, instant{&d.NextAt}, &d.Attempts)
		return d, err
	}
	return one(ctx, t, scan, "SELECT request_id, version, shown, next_at, attempts FROM drawings WHERE request_id = $1", requestID)
}

// Size implements delivery.Tx.
func (t *tx) Size(ctx context.Context, requestID int64) (delivery.Size, error) {
	scan := func(row scanner) (s delivery.Size, err error) {
		err = row.Scan(&s.Results, boolean{&s.EndsAccess})
		return s, err
	}
	return one(ctx, t, scan, `SELECT (SELECT COUNT(*) FROM results WHERE request_id = $1), CASE WHEN r.`+endsAccess+` THEN 1 ELSE 0 END
		FROM requests r WHERE r.id = $1`, requestID)
}

// SaveDrawing implements delivery.Tx. It keeps Shown, NextAt and Attempts; the
// version may have grown meanwhile and stays.
func (t *tx) SaveDrawing(ctx context.Context, d delivery.Drawing) error {
	_, err := t.Exec(ctx, "UPDATE drawings SET shown = $1, next_at = $2, attempts = $3, queued_at = CASE WHEN shown < $1 THEN $5 ELSE queued_at END WHERE request_id = $4",
		d.Shown, ms(d.NextAt), d.Attempts, d.RequestID, ms(t.now()))
	return err
}

// DueDrawings implements delivery.Tx; the longest due comes first.
func (t *tx) DueDrawings(ctx context.Context, now time.Time) ([]int64, error) {
	return many(ctx, t, column[int64],
		"SELECT request_id FROM drawings WHERE version > shown AND (next_at <= $1 OR next_at > $2) ORDER BY next_at, request_id",
		ms(now), ms(now.Add(wrongClock)))
}

const noticeColumns = "name, kind, recipient, request_id, grant_id, target, detail, next_at, attempts, sent_at"

// queue inserts notices that are not sent yet.
func (t *tx) queue(ctx context.Context, onConflict string, all ...delivery.Notice) error {
	rows := make([][]any, len(all))
	for i, n := range all {
		since := t.now()
		if n.NextAt.After(since) {
			since = n.NextAt
		}
		rows[i] = append(noticeValues(n), ms(since))
	}
	return insertMany(ctx, t, "notices", noticeColumns+", queued_at", "ON CONFLICT (name) "+onConflict, rows)
}

func noticeValues(n delivery.Notice) []any {
	return []any{n.Key, n.Kind, n.To, n.RequestID, n.GrantID, n.Target, n.Detail, ms(n.NextAt), n.Attempts, ms(n.SentAt)}
}

// Notify implements access.NewsTx.
func (t *tx) Notify(ctx context.Context, n access.Notice) error {
	return t.queue(ctx, "DO NOTHING", delivery.Notice{Notice: n, NextAt: n.NotBefore})
}

// PersonChanged implements access.NewsTx.
func (t *tx) PersonChanged(ctx context.Context, at time.Time, ids ...access.UserID) error {
	var all []delivery.Notice
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if id != "" {
			all = append(all, delivery.HomeNotice(id, at))
		}
	}
	return t.queue(ctx, "DO UPDATE SET next_at = excluded.next_at, attempts = 0, sent_at = 0, queued_at = excluded.queued_at WHERE notices.sent_at <> 0", all...)
}

// Notice implements delivery.Tx.
func (t *tx) Notice(ctx context.Context, id int64) (delivery.Notice, error) {
	scan := func(row scanner) (n delivery.Notice, err error) {
		err = row.Scan(&n.ID, &n.Key, &n.Kind, &n.To, &n.RequestID, &n.GrantID, &n.Target, &n.Detail, instant{&n.NextAt}, &n.Attempts, instant{&n.SentAt})
		return n, err
	}
	return one(ctx, t, scan, "SELECT id, "+noticeColumns+" FROM notices WHERE id = $1", id)
}

// DueNotices implements delivery.Tx; the oldest comes first. For the sign, see Placements.
func (t *tx) DueNotices(ctx context.Context, now time.Time) ([]int64, error) {
	return many(ctx, t, column[int64], "SELECT id FROM notices WHERE sent_at = 0 AND (next_at <= $1 OR next_at > $2) ORDER BY +id", ms(now), ms(now.Add(wrongClock)))
}

// SaveNotice implements delivery.Tx.
func (t *tx) SaveNotice(ctx context.Context, n delivery.Notice) error {
	_, err := t.Exec(ctx, "UPDATE notices SET "+assignments(noticeColumns, 2)+" WHERE id = $1", append([]any{n.ID}, noticeValues(n)...)...)
	return err
}

// Messages implements delivery.Tx; the oldest comes first.
func (t *tx) Messages(ctx context.Context, requestID int64) ([]delivery.Message, error) {
	scan := func(row scanner) (m delivery.Message, err error) {
		err = row.Scan(&m.RequestID, &m.Role, &m.Channel, &m.TS, &m.Digest)
		return m, err
	}
	return many(ctx, t, scan, "SELECT request_id, role, channel, ts, digest FROM messages WHERE request_id = $1 ORDER BY ts, role, channel", requestID)
}

// SaveMessage implements delivery.Tx.
func (t *tx) SaveMessage(ctx context.Context, m delivery.Message) error {
	_, err := t.Exec(ctx, `INSERT INTO messages (request_id, role, channel, ts, digest) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (request_id, role, channel, ts) DO UPDATE SET digest = excluded.digest`, m.RequestID, m.Role, m.Channel, m.TS, m.Digest)
	return err
}
