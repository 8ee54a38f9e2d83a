package store

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// placementColumns are those of a placement, first those that never change.
const placementColumns = placementKey + ", " + placementChanging

const placementKey = "place_id, system_user, fingerprint, picked"

const placementChanging = "person, grant_id, label, state, credential_id, temporary, called_at, placed_at, lapses_at, left_at, " +
	"gone_at, attempts, next_at, in_doubt_until, holder, urgent, stuck, problem, remedy, detail, told_lapsed, verify_at"

// placementFields are the columns as scanPlacement takes them.
const placementFields = "place_id, system_user, " + fingerprintText + ", picked, " + placementChanging

func placementValues(p access.Placement) []any {
	return append([]any{p.ServerID, p.SystemUser, numbered(p.Fingerprint), p.Picked}, changingValues(p)...)
}

func changingValues(p access.Placement) []any {
	return []any{
		p.Person, p.GrantID, p.Label, p.State, p.CredentialID, bit(p.Temporary), ms(p.CalledAt), ms(p.PlacedAt), ms(p.LapsesAt), ms(p.LeftAt),
		ms(p.GoneAt), p.Attempts, ms(p.NextAt), ms(p.InDoubtUntil), p.Holder, bit(p.Urgent), bit(p.Stuck), p.Problem, p.Remedy, p.Detail, bit(p.ToldLapsed), ms(p.VerifyAt),
	}
}

func scanPlacement(row scanner) (p access.Placement, err error) {
	err = row.Scan(&p.ID, &p.ServerID, &p.SystemUser, &p.Fingerprint, &p.Picked, &p.Person, &p.GrantID, &p.Label, &p.State, &p.CredentialID, boolean{&p.Temporary}, instant{&p.CalledAt}, instant{&p.PlacedAt},
		instant{&p.LapsesAt}, instant{&p.LeftAt}, instant{&p.GoneAt}, &p.Attempts, instant{&p.NextAt}, instant{&p.InDoubtUntil}, &p.Holder, boolean{&p.Urgent}, boolean{&p.Stuck},
		&p.Problem, &p.Remedy, &p.Detail, boolean{&p.ToldLapsed}, instant{&p.VerifyAt})
	return p, err
}

// onTarget is the condition on a placement that its server is one of a target.
const onTarget = "place_id IN (SELECT id FROM places WHERE target = ?)"

// Placement implements access.PlacementTx.
func (t *tx) Placement(ctx context.Context, id int64) (access.Placement, error) {
	return one(ctx, t, scanPlacement, "SELECT id, "+placementFields+" FROM placements WHERE id = $1", id)
}

// InsertPlacement implements access.PlacementTx.
func (t *tx) InsertPlacement(ctx context.Context, p access.Placement) (access.Placement, error) {
	if err := t.numberFingerprints(ctx, []string{p.Fingerprint}); err != nil {
		return access.Placement{}, err
	}
	query, args := insertion("placements", placementColumns, "RETURNING id, "+placementFields, [][]any{placementValues(p)})
	return one(ctx, t, scanPlacement, query, args...)
}

// MovePlacement implements access.PlacementTx. The attempts are compared because another
// replica may have made a call in the same state, while this process was paused.
func (t *tx) MovePlacement(ctx context.Context, p access.Placement, from access.PlacementState, attempts int) (bool, error) {
	return won(t.Exec(ctx, "UPDATE placements SET "+assignments(placementChanging, 4)+" WHERE id = $1 AND state = $2 AND attempts = $3",
		append([]any{p.ID, from, attempts}, changingValues(p)...)...))
}

// Placements implements access.PlacementTx. The NextAt of a placement that is held is the
// end of its hold, so that one whose holder died is due again by itself. The sign in the order
// has SQLite take an index of what is asked for, instead of reading all in the order of their IDs.
func (t *tx) Placements(ctx context.Context, q access.PlacementQuery) ([]access.Placement, error) {
	var c conditions
	addIf(&c, onTarget, q.Target)
	addIf(&c, "place_id = ?", q.Server)
	addIn(&c, "place_id", q.Servers)
	addWords(&c, "state", q.States...)
	if len(q.States) > 0 && !slices.Contains(q.States, access.PlacementGone) {
		c.add("state <> 'gone'") // for SQLite to use the indexes that have history apart
	}
	if q.Renewed {
		c.add("urgent = 1")
	}
	addIf(&c, "person = ?", q.Person)
	addIf(&c, "fingerprint = "+numberOf("?"), q.Fingerprint)
	addIf(&c, "picked = ?", q.Picked)
	addIf(&c, "system_user = ?", q.SystemUser)
	addIf(&c, "label = ?", q.Label)
	addIf(&c, "credential_id = ?", q.Credential)
	addIf(&c, "stuck = 0 AND next_at <= ?", ms(q.Due))
	addIf(&c, "in_doubt_until > 0 AND state <> 'leaving' AND in_doubt_until <= ?", ms(q.DoubtEndsBefore))
	addIf(&c, "verify_at > 0 AND state = 'placed' AND stuck = 0 AND verify_at <= ?", ms(q.VerifyBefore))
	addWords(&c, "problem", q.Problem)
	return many(ctx, t, scanPlacement, "SELECT id, "+placementFields+" FROM placements"+c.where()+" ORDER BY +id"+limit(q.Limit), c.args...)
}

// Covered implements access.PlacementTx.
func (t *tx) Covered(ctx context.Context, p access.Placement, now time.Time) (covered bool, until time.Time, err error) {
	c := conditions{args: []any{ms(now)}}
	c.add("c.place_id = ?", p.ServerID)
	c.add("c.fingerprint = "+numberOf("?"), p.Fingerprint)
	c.add("g.system_user = ?", p.SystemUser)
	addIf(&c, "g.person = ?", p.Person)
	ends, err := many(ctx, t, column[int64], "SELECT g.ends_at "+liveCovers+c.and()+" ORDER BY CASE WHEN g.ends_at = 0 THEN 0 ELSE 1 END, g.ends_at DESC LIMIT 1", c.args...)
	if err != nil || len(ends) == 0 {
		return false, time.Time{}, err
	}
	err = instant{&until}.Scan(ends[0])
	return true, until, err
}

// VerifyPlaced implements access.DueTx.
func (t *tx) VerifyPlaced(ctx context.Context, grantID int64, at time.Time) ([]int64, error) {
	servers, err := many(ctx, t, column[int64], `UPDATE placements SET verify_at = $1, stuck = 0 WHERE id IN (
			SELECT p.id FROM grants g CROSS JOIN covers c CROSS JOIN placements p WHERE g.id = $2 AND c.grant_id = g.id AND c.ended_at = 0
				AND p.place_id = c.place_id AND p.system_user = g.system_user AND p.fingerprint = c.fingerprint AND p.person = g.person
				AND `+there+` AND p.state = 'placed')
		RETURNING place_id`, ms(at), grantID)
	slices.Sort(servers)
	return slices.Compact(servers), err
}

// Debt implements access.PlacementTx.
func (t *tx) Debt(ctx context.Context, q access.DebtQuery) ([]access.Placement, error) {
	c := debtConditions(q)
	return many(ctx, t, scanPlacement, "SELECT id, "+placementFields+" FROM placements"+c.where()+byID(q.Newest)+limit(q.Limit), c.args...)
}

// CountDebt implements access.PlacementTx.
func (t *tx) CountDebt(ctx context.Context, q access.DebtQuery) (int, error) {
	c := debtConditions(q)
	return one(ctx, t, column[int], "SELECT COUNT(*) FROM placements"+c.where(), c.args...)
}

// OldestDebt implements access.PlacementTx. What the sweep has not ended yet must be gone since
// the end of its grant.
func (t *tx) OldestDebt(ctx context.Context, at time.Time) (time.Time, error) {
	since, err := one(ctx, t, column[int64], `SELECT COALESCE(MIN(since), 0) FROM (
		SELECT * FROM (SELECT left_at AS since FROM placements p WHERE p.state = 'leaving' AND p.left_at > 0 AND p.urgent = 0 ORDER BY p.left_at LIMIT 1) few
		UNION ALL SELECT * FROM (SELECT ends_at FROM grants o WHERE o.state = 'live' AND o.ends_at > 0 AND o.ends_at <= $1 ORDER BY o.ends_at LIMIT 1) few) few`, ms(at))
	if since == 0 || err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(since).UTC(), nil
}

// debtConditions selects also placements that do not leave yet but that no live grant covers: on
// servers that wait to be brought in line, and those of grants that are over and that the sweep
// will end in a moment. Every left_at is at least 0: that names the index to be used.
func debtConditions(q access.DebtQuery) conditions {
	const uncovered = " AND " + there + " AND p.state IN ('unknown', 'placed', 'leaving') AND p.grant_id <> 0 AND NOT " + isCovered
	c := conditions{args: []any{ms(q.At)}}
	c.add(`id IN (SELECT p.id FROM placements p WHERE p.state = 'leaving' AND p.left_at >= 0 AND p.urgent = 0
		UNION ALL SELECT p.id FROM out_of_line l CROSS JOIN placements p WHERE p.place_id = l.place_id` + uncovered + `
		UNION ALL SELECT p.id FROM grants o CROSS JOIN covers k CROSS JOIN placements p WHERE o.state = 'live' AND o.ends_at > 0 AND o.ends_at <= $1
			AND k.grant_id = o.id AND p.place_id = k.place_id AND p.system_user = o.system_user AND p.fingerprint = k.fingerprint` + uncovered + ")")
	if !q.Since.IsZero() {
		c.add("NOT (state = 'leaving' AND problem = '' AND left_at > ? AND left_at <= ?)", ms(q.Since), ms(q.At))
	}
	addIf(&c, "person = ?", q.Person)
	addIf(&c, "id > ?", q.After)
	addIf(&c, "id < ?", q.Before)
	return c
}
