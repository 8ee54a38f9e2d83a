package store

import (
	"context"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
)

// idTables are the tables whose ids are in labels, links and buttons.
var idTables = []string{"requests", "grants", "placements", "places"}

// SkipIDs implements access.RestoreTx.
func (t *tx) SkipIDs(ctx context.Context, now time.Time) (last access.LastIDs, err error) {
	largest := int64(0)
	for _, table := range idTables {
		id, err := t.lastID(ctx, table)
		if err != nil {
			return last, err
		}
		switch largest = max(largest, id); table {
		case "requests":
			last.Request = id
		case "grants":
			last.Grant = id
		}
	}
	last.Skipped = access.SkipTo(largest, now)
	for _, table := range idTables {
		if err := t.skipTo(ctx, table, last.Skipped); err != nil {
			return last, err
		}
	}
	return last, nil
}

// lastID returns the largest id that a table has ever given; that of a row that was deleted
// since counts.
func (t *tx) lastID(ctx context.Context, table string) (int64, error) {
	if t.sqlite != nil {
		return one(ctx, t, column[int64], "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = $1", table)
	}
	return one(ctx, t, column[int64], "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0)", table)
}

// skipTo has a table give larger ids from now on. On PostgreSQL that stays so even if the
// transaction is undone, which does no harm.
func (t *tx) skipTo(ctx context.Context, table string, last int64) error {
	if t.sqlite == nil {
		_, err := one(ctx, t, column[int64], "SELECT setval(pg_get_serial_sequence($1, 'id'), $2)", table, last)
		return err
	}
	if _, err := t.Exec(ctx, "DELETE FROM sqlite_sequence WHERE name = $1", table); err != nil {
		return err
	}
	_, err := t.Exec(ctx, "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", table, last)
	return err
}

// DropDeliveries implements access.RestoreTx.
func (t *tx) DropDeliveries(ctx context.Context, now time.Time) (acts int, err error) {
	if _, err := t.Exec(ctx, "UPDATE notices SET sent_at = $1 WHERE sent_at = 0 AND kind <> $2", ms(now), delivery.NoticeHome); err != nil {
		return 0, err
	}
	n, err := t.Exec(ctx, "UPDATE inbox SET handled = 1, holder = '', payload = $1 WHERE handled = 0", []byte{})
	return int(n), err
}
