package store

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// liveCovers selects the covers (c) of the grants (g) that give access at $1. SQLite joins a
// CROSS JOIN in the order in which it is written: the live grants, which are few and have
// indexes of their own, before the covers of all grants that ever were.
const liveCovers = `FROM grants g CROSS JOIN covers c
	WHERE g.state = 'live' AND (g.ends_at = 0 OR g.ends_at > $1) AND c.grant_id = g.id AND c.ended_at = 0`

// covering selects the live covers of a placement p. A cover of another person is none, even
// for the same key: if a key has become somebody else's, its placement leaves and is placed
// anew with a label that names its new holder.
const covering = `SELECT 1 ` + liveCovers + `
	AND g.person = p.person AND g.system_user = p.system_user AND c.place_id = p.place_id AND c.fingerprint = p.fingerprint`

// isCovered is the condition on a placement p that there is a live cover of it.
const isCovered = "EXISTS (" + covering + " " + eachAlone + ")"

// eachAlone ends a query inside EXISTS that is to be asked for each row. PostgreSQL would ask it once
// for all rows, and so for every placement or cover that there is.
const eachAlone = "LIMIT 1 OFFSET 0"

// there is the condition on a placement that it is not history. It stands in a query word by
// word, or SQLite does not use the index that leaves history out.
const there = "p.state <> 'gone'"

// Reconcile implements access.PlacementTx. It runs in one update, so no other one changes a
// grant or a placement between its steps.
//
// A key whose removal is under way is not wanted anew before it is gone, or the removal could
// land after the addition: whoever records that it is gone reconciles its server again. A
// leaving placement that is Urgent is the first half of a renewal and goes on, too; the
// second half is the one that is then wanted. Placements without a grant, which a person
// picked, are left alone.
func (t *tx) Reconcile(ctx context.Context, now time.Time, servers []int64) ([]access.Move, error) {
	var changed []access.Move
	for _, step := range []func(context.Context, time.Time, []int64) ([]access.Move, error){t.cancelLeaving, t.dropUncovered, t.wantMissing} {
		more, err := step(ctx, now, servers)
		if err != nil {
			return nil, err
		}
		changed = append(changed, more...)
	}
	var marks conditions
	addIn(&marks, "place_id", servers)
	_, err := t.Exec(ctx, "DELETE FROM out_of_line"+marks.where(), marks.args...)
	return changed, err
}

// cancelLeaving brings leaving placements that are covered again back to the state they had
// before they left: placed, or unknown if the key never had a credential.
func (t *tx) cancelLeaving(ctx context.Context, now time.Time, servers []int64) ([]access.Move, error) {
	c := coveredAgain(now)
	addIn(&c, "p.place_id", servers)
	return t.movePlacements(ctx, c, `
			state = CASE WHEN credential_id = '' THEN 'unknown' ELSE 'placed' END, left_at = 0, next_at = 0, stuck = 0, problem = '', remedy = '', detail = ''`)
}

// movePlacements updates the placements that meet the conditions, and returns them with the
// states that they had before: no other update changes them between the two statements.
func (t *tx) movePlacements(ctx context.Context, c conditions, set string) ([]access.Move, error) {
	before, err := many(ctx, t, scanPlacement, "SELECT id, "+placementFields+" FROM placements AS p"+c.where()+" ORDER BY id", c.args...)
	if err != nil || len(before) == 0 {
		return nil, err
	}
	from := make(map[int64]access.PlacementState, len(before))
	for _, p := range before {
		from[p.ID] = p.State
	}
	after, err := many(ctx, t, scanPlacement, "UPDATE placements AS p SET "+set+c.where()+" RETURNING id, "+placementFields, c.args...)
	moves := make([]access.Move, len(after))
	for i, p := range after {
		moves[i] = access.Move{From: from[p.ID], Placement: p}
	}
	return moves, err
}

// coveredAgain are the conditions on a placement that cancelLeaving changes.
func coveredAgain(now time.Time) conditions {
	c := conditions{args: []any{ms(now)}}
	// After an attempt whose answer was lost, or while a replica holds it and its call is
	// under way, the key may be off the server already: it must not count as placed.
	c.add(there + ` AND p.state = 'leaving' AND p.grant_id <> 0 AND (p.credential_id = '' AND p.in_doubt_until > 0
		OR p.credential_id <> '' AND p.attempts = 0 AND p.urgent = 0 AND p.holder = '')`)
	c.add(isCovered)
	// A call that took effect late may have placed the key a second time. Only the newest
	// counts again, and only if no other placement of the key does.
	c.add(`NOT EXISTS (SELECT 1 FROM placements o WHERE o.state <> 'gone' AND o.place_id = p.place_id AND o.system_user = p.system_user AND o.fingerprint = p.fingerprint
		AND (o.state IN ('wanted', 'unknown', 'placed') OR o.state = 'leaving' AND o.id > p.id))`)
	return c
}

// dropUncovered makes placements that no live grant covers leave, and turns a renewal whose
// grant has ended into a plain removal. A wanted placement is gone at once: before a call is
// made for it, it becomes unknown, so its key certainly is not on the server. InDoubtUntil
// stays: a call that is under way may still place the key after this.
func (t *tx) dropUncovered(ctx context.Context, now time.Time, servers []int64) ([]access.Move, error) {
	renewed := uncovered(now, beingRenewed)
	addIn(&renewed, "p.place_id", servers)
	ended, err := t.movePlacements(ctx, renewed, "urgent = 0")
	if err != nil {
		return nil, err
	}
	c := uncovered(now, notLeaving)
	addIn(&c, "p.place_id", servers)
	dropped, err := t.movePlacements(ctx, c, `
			state = CASE WHEN state = 'wanted' THEN 'gone' ELSE 'leaving' END,
			gone_at = CASE WHEN state = 'wanted' THEN $1 ELSE gone_at END,
			left_at = $1, next_at = 0, attempts = 0, urgent = 0, stuck = 0, problem = '', remedy = '', detail = ''`)
	return append(ended, dropped...), err
}

// The placements that dropUncovered changes when no live grant covers them.
const (
	beingRenewed = "p.state = 'leaving' AND p.urgent = 1"
	notLeaving   = "p.state IN ('wanted', 'unknown', 'placed')"
)

// uncovered are the conditions on a placement in some states that no live grant covers.
func uncovered(now time.Time, states string) conditions {
	c := conditions{args: []any{ms(now)}}
	c.add(there + " AND " + states + " AND p.grant_id <> 0")
	c.add("NOT " + isCovered)
	return c
}

// OutOfLine implements access.PlacementTx.
func (t *tx) OutOfLine(ctx context.Context, now time.Time, servers []int64) ([]int64, error) {
	stay, ends, left, gaps := coveredAgain(now), uncovered(now, beingRenewed), uncovered(now, notLeaving), gapsAt(now)
	for _, c := range []*conditions{&stay, &ends, &left} {
		addIn(c, "p.place_id", servers)
	}
	addIn(&gaps, "c.place_id", servers) // each has the same arguments: now, and the servers
	const placements = "SELECT p.place_id FROM placements p"
	return many(ctx, t, column[int64], placements+stay.where()+" UNION "+placements+ends.where()+" UNION "+placements+left.where()+
		" UNION SELECT c.place_id "+liveCovers+gaps.and()+" ORDER BY 1", stay.args...)
}

// MarkOutOfLine implements access.PlacementTx.
func (t *tx) MarkOutOfLine(ctx context.Context, servers []int64, ends bool) error {
	all := make([][]any, len(servers))
	for i, id := range servers {
		all[i] = []any{id, bit(ends)}
	}
	return insertMany(ctx, t, "out_of_line", "place_id, ends", markAgain, all)
}

// MarkEnded implements access.PlacementTx.
func (t *tx) MarkEnded(ctx context.Context, grantID int64) error {
	_, err := t.Exec(ctx, `INSERT INTO out_of_line (place_id, ends)
		SELECT DISTINCT c.place_id, 1 FROM grants g CROSS JOIN covers c WHERE g.id = $1 AND c.grant_id = g.id AND c.ended_at = 0
			AND EXISTS (SELECT 1 FROM placements p WHERE p.place_id = c.place_id AND p.system_user = g.system_user AND p.fingerprint = c.fingerprint
				AND `+there+` AND (p.state <> 'leaving' OR p.urgent = 1) `+eachAlone+`)
		`+markAgain, grantID)
	return err
}

// markAgain continues the insertion of a mark: where there is one, access may have ended by either.
const markAgain = "ON CONFLICT (place_id) DO UPDATE SET ends = 1 WHERE excluded.ends > out_of_line.ends"

// OutOfLineMark implements access.PlacementTx.
func (t *tx) OutOfLineMark(ctx context.Context, server int64) (bool, error) {
	found, err := many(ctx, t, column[int64], "SELECT place_id FROM out_of_line WHERE place_id = $1", server)
	return len(found) > 0, err
}

// MarkedOutOfLine implements access.PlacementTx.
func (t *tx) MarkedOutOfLine(ctx context.Context, most int) ([]int64, error) {
	return many(ctx, t, column[int64], "SELECT place_id FROM out_of_line ORDER BY ends DESC, place_id"+limit(most))
}

// wantMissing inserts a wanted placement for every key that is covered and has none on the
// server but gone ones. Its label is for the oldest grant that covers it.
func (t *tx) wantMissing(ctx context.Context, now time.Time, servers []int64) ([]access.Move, error) {
	missing, err := t.missing(ctx, now, servers)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	ledger, err := t.Flag(ctx, access.FlagLedgerID)
	if err != nil {
		return nil, err
	}
	all := make([][]any, len(missing))
	for i, m := range missing {
		all[i] = placementValues(access.Placement{
			ServerID: m.server, SystemUser: m.grant.SystemUser, Fingerprint: m.fingerprint, Person: m.grant.Person, GrantID: m.grant.ID,
			Label: access.Label(ledger, m.grant, m.fingerprint), State: access.PlacementWanted,
		})
	}
	before, err := one(ctx, t, column[int64], "SELECT COALESCE(MAX(id), 0) FROM placements")
	if err != nil {
		return nil, err
	}
	if err := insertMany(ctx, t, "placements", placementColumns, "", all); err != nil {
		return nil, err
	}
	// Updates run one at a time, so no other one has inserted a row after before was read.
	made, err := many(ctx, t, scanPlacement, "SELECT id, "+placementFields+" FROM placements WHERE id > $1 ORDER BY id", before)
	moves := make([]access.Move, len(made))
	for i, p := range made {
		moves[i] = access.Move{Placement: p}
	}
	return moves, err
}

// gap is a key that a grant covers and that has no placement on the server.
type gap struct {
	grant       access.Grant
	server      int64
	fingerprint string
}

// missing returns the gaps, each with the oldest grant that covers it.
func (t *tx) missing(ctx context.Context, now time.Time, servers []int64) ([]gap, error) {
	c := gapsAt(now)
	addIn(&c, "c.place_id", servers)
	gaps, err := many(ctx, t, scanGap, `SELECT g.id, g.person, g.alias, g.system_user, c.place_id, (SELECT f.text FROM fingerprints f WHERE f.id = c.fingerprint)
		`+liveCovers+c.and()+" ORDER BY c.place_id, c.fingerprint, g.system_user, g.id", c.args...)
	sameKey := func(a, b gap) bool {
		return a.server == b.server && a.fingerprint == b.fingerprint && a.grant.SystemUser == b.grant.SystemUser
	}
	return slices.CompactFunc(gaps, sameKey), err
}

// gapsAt are the conditions on a live cover whose key has no placement on the server. One
// that is leaving counts as one: its removal has to end first.
func gapsAt(now time.Time) conditions {
	c := conditions{args: []any{ms(now)}}
	c.add(`NOT EXISTS (SELECT 1 FROM placements p WHERE p.place_id = c.place_id AND p.system_user = g.system_user AND p.fingerprint = c.fingerprint
		AND ` + there + " " + eachAlone + ")")
	return c
}

func scanGap(row scanner) (g gap, err error) {
	err = row.Scan(&g.grant.ID, &g.grant.Person, &g.grant.Alias, &g.grant.SystemUser, &g.server, &g.fingerprint)
	return g, err
}
