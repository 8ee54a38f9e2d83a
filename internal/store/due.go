package store

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// isDue is the condition on a placement that its NextAt says when it is tried. It stands in a
// query word by word, or SQLite does not use the index on that.
const isDue = "state IN ('wanted', 'unknown', 'leaving') AND stuck = 0"

// The conditions on one whose doubt ends, and on one that is looked for.
const (
	doubtEnds  = "in_doubt_until > 0 AND state <> 'leaving'"
	isVerified = "verify_at > 0 AND state = 'placed' AND stuck = 0"
)

// dueWork selects servers, not placements, so that many additions never hide a removal.
const dueWork = `SELECT CASE WHEN urgent = 1 THEN 'renew' WHEN state = 'leaving' THEN 'remove' ELSE 'add' END, place_id
		FROM placements WHERE ` + isDue + ` AND next_at <= $1
	UNION SELECT 'add', place_id FROM placements WHERE ` + doubtEnds + ` AND in_doubt_until <= $1
	UNION SELECT 'add', place_id FROM placements WHERE ` + isVerified + ` AND verify_at <= $1`

func scanWork(row scanner) (w access.Work, err error) {
	err = row.Scan(&w.Kind, &w.ID)
	return w, err
}

// IdleWork implements access.DueTx.
func (t *tx) IdleWork(ctx context.Context, now time.Time) ([]access.Work, error) {
	queued := "SELECT CASE kind WHEN 'renew_on_server' THEN 'renew' WHEN 'remove_on_server' THEN 'remove' ELSE 'add' END, "
	if t.sqlite != nil {
		queued += "json_extract(args, '$.place_id')"
	} else {
		queued += "(args->>'place_id')::bigint"
	}
	queued += ` FROM river_job WHERE state IN ('available', 'pending', 'running', 'retryable', 'scheduled')
		AND kind IN ('renew_on_server', 'remove_on_server', 'add_on_server')`
	return many(ctx, t, scanWork, dueWork+" EXCEPT "+queued, ms(now))
}

// CountDue implements access.DueTx. It reads no more than it takes to find that many.
func (t *tx) CountDue(ctx context.Context, target string, by time.Time, most int) (int, error) {
	return one(ctx, t, column[int], `SELECT COUNT(*) FROM (SELECT DISTINCT due.place_id FROM (
			SELECT place_id FROM placements WHERE `+isDue+` AND next_at <= $1
			UNION ALL SELECT place_id FROM placements WHERE `+doubtEnds+` AND in_doubt_until <= $1
			UNION ALL SELECT place_id FROM placements WHERE `+isVerified+` AND verify_at <= $1) due
		WHERE EXISTS (SELECT 1 FROM places p WHERE p.id = due.place_id AND p.target = $2)`+limit(most)+") few", ms(by), target)
}

// RemovalsBy implements access.DueTx.
func (t *tx) RemovalsBy(ctx context.Context, target string, by time.Time) (bool, error) {
	n, err := one(ctx, t, column[int64], `SELECT CASE WHEN EXISTS (SELECT 1 FROM placements WHERE `+isDue+` AND state = 'leaving' AND urgent = 0 AND next_at <= $1
			AND problem NOT IN ('offline', 'missing') AND place_id IN (SELECT id FROM places WHERE target = $2))
		OR EXISTS (SELECT 1 FROM grants g JOIN covers c ON c.grant_id = g.id JOIN places p ON p.id = c.place_id
			WHERE g.state = 'live' AND g.ends_at > 0 AND g.ends_at <= $1 AND c.ended_at = 0 AND p.target = $2) THEN 1 ELSE 0 END`, ms(by), target)
	return n == 1, err
}

// DueRenewals implements access.DueTx. The id of a placement decides by how much of
// Spread its renewal comes sooner.
func (t *tx) DueRenewals(ctx context.Context, q access.RenewalQuery) ([]access.Placement, error) {
	const placed = "SELECT id, " + placementFields + ` FROM placements p WHERE state = 'placed' AND problem <> 'deleted'
		AND ($7 = '' OR place_id IN (SELECT id FROM places WHERE target = $7))
		AND person NOT IN (SELECT id FROM persons WHERE standing <> '' OR offboarded_at <> 0 AND returned_at = 0)`
	return many(ctx, t, scanPlacement, placed+` AND lapses_at > 0 AND lapses_at <= $8 AND lapses_at + id % 60 * $6 / 60 <= $2
			AND EXISTS (`+covering+` AND (g.ends_at = 0 OR g.ends_at > p.lapses_at + $5))
		UNION `+placed+` AND temporary = 0 AND placed_at <= $3 AND EXISTS (`+covering+`)
			AND NOT EXISTS (`+covering+` AND (g.ends_at = 0 OR g.ends_at - g.starts_at > $4))
		ORDER BY lapses_at, id`+limit(q.Limit), ms(q.Now), ms(q.LapsesBefore), ms(q.PlacedBefore), q.Permanent.Milliseconds(), q.Spare.Milliseconds(), q.Spread.Milliseconds(), q.Target, ms(q.LapsesBefore.Add(q.Spread)))
}

// CapWaits implements access.DueTx. For River's jobs, whose times River sets by the
// database's clock, it allows for wrongClock.
func (t *tx) CapWaits(ctx context.Context, latest access.Waits) error {
	const waits = "next_at > 0 AND state <> 'gone'" // as the index says it
	for _, wait := range []struct {
		column, where string
		latest        time.Time
	}{
		{"next_at", waits + " AND problem = 'rate_limited'", latest.Limited},
		{"next_at", waits + " AND problem = 'refused'", latest.Refused},
		{"next_at", waits + " AND problem NOT IN ('rate_limited', 'refused')", latest.Retry},
		{"in_doubt_until", "in_doubt_until > 0", latest.InDoubt},
		{"verify_at", "verify_at > 0", latest.Limited},
	} {
		_, err := t.Exec(ctx, "UPDATE placements SET "+wait.column+" = $1 WHERE "+wait.column+" > $1 AND "+wait.where, ms(wait.latest))
		if err != nil {
			return err
		}
	}
	hasten := "UPDATE river_job SET scheduled_at = now() WHERE state IN ('available', 'retryable', 'scheduled') AND scheduled_at > now() + make_interval(secs => $1)"
	if t.sqlite != nil {
		hasten = "UPDATE river_job SET scheduled_at = datetime('now', 'subsec') WHERE state IN ('available', 'retryable', 'scheduled') AND scheduled_at > datetime('now', 'subsec', $1 || ' seconds')"
	}
	_, err := t.Exec(ctx, hasten, int64(wrongClock.Seconds()))
	return err
}
