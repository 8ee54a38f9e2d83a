package store

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// LiveCovers finds the covers (c) of the grants (g) that give access at $1. SQLite
// takes a CROSS JOIN in the order it is written: the grants that are live are few,
// the covers of all that ever were are many.
const liveCovers = `FROM grants g CROSS JOIN covers c
	WHERE g.state = 'live' AND (g.ends_at = 0 OR g.ends_at > $1) AND c.grant_id = g.id AND c.ended_at = 0`

// covering finds the live covers of a placement p. Those of another person, whose key it has
// become, are none: it goes, and comes back with a label that names them.
const covering = `SELECT 1 ` + liveCovers + `
	AND c.place_id = p.place_id AND c.fingerprint = p.fingerprint AND g.system_user = p.system_user AND g.person = p.person`

// Reconcile implements access.PlacementTx. A key that is on its way out is not wanted
// anew before it is gone: who records that it is gone aligns its server again. A
// leaving one that is Urgent is being renewed and goes on its way; who aligns after
// that makes what is then wanted Urgent. Placements without a grant are left alone.
func (t *tx) Reconcile(ctx context.Context, now time.Time, servers []int64) ([]access.Move, error) {
	var changed []access.Move
	for _, step := range []func(context.Context, time.Time, []int64) ([]access.Move, error){t.keepLeaving, t.dropUncovered, t.wantMissing} {
		more, err := step(ctx, now, servers)
		if err != nil {
			return nil, err
		}
		changed = append(changed, more...)
	}
	return changed, nil
}

// keepLeaving places again what is covered again and was not touched meanwhile; what
// was only looked for may be there or not, as before it left. Of several only the
// newest, since a key is there once.
func (t *tx) keepLeaving(ctx context.Context, now time.Time, servers []int64) ([]access.Move, error) {
	c := covered(now)
	addIn(&c, "p.place_id", servers)
	return t.movePlacements(ctx, c, `
			state = CASE WHEN credential_id = '' THEN 'unknown' ELSE 'placed' END, left_at = 0, next_at = 0, stuck = 0, problem = '', detail = ''`)
}

// movePlacements updates the placements that meet c, and returns them with the states that
// they had.
func (t *tx) movePlacements(ctx context.Context, c conditions, set string) ([]access.Move, error) {
	before, err := many(ctx, t, scanPlacement, "SELECT id, "+placementColumns+" FROM placements AS p"+c.where()+" ORDER BY id", c.args...)
	if err != nil || len(before) == 0 {
		return nil, err
	}
	from := make(map[int64]access.PlacementState, len(before))
	for _, p := range before {
		from[p.ID] = p.State
	}
	after, err := many(ctx, t, scanPlacement, "UPDATE placements AS p SET "+set+c.where()+" RETURNING id, "+placementColumns, c.args...)
	moves := make([]access.Move, len(after))
	for i, p := range after {
		moves[i] = access.Move{From: from[p.ID], Placement: p}
	}
	return moves, err
}

// covered finds what keepLeaving places again.
func covered(now time.Time) conditions {
	c := conditions{args: []any{ms(now)}}
	c.add(`p.state = 'leaving' AND p.grant_id <> 0 AND (p.credential_id = '' AND p.in_doubt_until > 0
		OR p.credential_id <> '' AND p.attempts = 0 AND p.urgent = 0 AND p.holder = '')`)
	c.add("EXISTS (" + covering + ")")
	c.add(`NOT EXISTS (SELECT 1 FROM placements o WHERE o.place_id = p.place_id AND o.system_user = p.system_user AND o.fingerprint = p.fingerprint
		AND (o.state IN ('wanted', 'unknown', 'placed') OR o.state = 'leaving' AND o.id > p.id))`)
	return c
}

// dropUncovered sends away what no live grant covers, and makes a plain removal of a
// renewal whose grant has ended. A wanted one surely is not on its server, whatever was
// tried before, and is gone at once. Doubt stays.
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
			left_at = $1, next_at = 0, attempts = 0, urgent = 0, stuck = 0, problem = '', detail = ''`)
	return append(ended, dropped...), err
}

// The placements that dropUncovered changes when no live grant covers them.
const (
	beingRenewed = "p.state = 'leaving' AND p.urgent = 1"
	notLeaving   = "p.state IN ('wanted', 'unknown', 'placed')"
)

// uncovered finds placements in some states that no live grant covers.
func uncovered(now time.Time, states string) conditions {
	c := conditions{args: []any{ms(now)}}
	c.add(states + " AND p.grant_id <> 0")
	c.add("NOT EXISTS (" + covering + ")")
	return c
}

// OutOfLine implements access.PlacementTx.
func (t *tx) OutOfLine(ctx context.Context, now time.Time) ([]int64, error) {
	stay, ends, left, gaps := covered(now), uncovered(now, beingRenewed), uncovered(now, notLeaving), gapsAt(now) // one argument, the same for all
	const placements = "SELECT p.place_id FROM placements p"
	return many(ctx, t, column[int64], placements+stay.where()+" UNION "+placements+ends.where()+" UNION "+placements+left.where()+
		" UNION SELECT c.place_id "+liveCovers+gaps.and()+" ORDER BY 1", ms(now))
}

// wantMissing wants what is covered and not on the server in any way. It is
// labelled for the oldest grant that covers it.
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
	// Updates run one at a time, so the new rows are ours.
	made, err := many(ctx, t, scanPlacement, "SELECT id, "+placementColumns+" FROM placements WHERE id > $1 ORDER BY id", before)
	moves := make([]access.Move, len(made))
	for i, p := range made {
		moves[i] = access.Move{Placement: p}
	}
	return moves, err
}

// gap is a key that a grant covers and that is not on its server.
type gap struct {
	grant       access.Grant
	server      int64
	fingerprint string
}

// missing lists the gaps, each with the oldest grant that covers it.
func (t *tx) missing(ctx context.Context, now time.Time, servers []int64) ([]gap, error) {
	c := gapsAt(now)
	addIn(&c, "c.place_id", servers)
	gaps, err := many(ctx, t, scanGap, `SELECT g.id, g.person, g.alias, g.system_user, c.place_id, c.fingerprint
		`+liveCovers+c.and()+" ORDER BY c.place_id, c.fingerprint, g.system_user, g.id", c.args...)
	sameKey := func(a, b gap) bool {
		return a.server == b.server && a.fingerprint == b.fingerprint && a.grant.SystemUser == b.grant.SystemUser
	}
	return slices.CompactFunc(gaps, sameKey), err
}

// gapsAt finds the live covers whose key is not on its server in any way.
func gapsAt(now time.Time) conditions {
	c := conditions{args: []any{ms(now)}}
	c.add(`NOT EXISTS (SELECT 1 FROM placements p WHERE p.place_id = c.place_id AND p.system_user = g.system_user AND p.fingerprint = c.fingerprint
		AND p.state IN ('wanted', 'unknown', 'placed', 'leaving'))`)
	return c
}

func scanGap(row scanner) (g gap, err error) {
	err = row.Scan(&g.grant.ID, &g.grant.Person, &g.grant.Alias, &g.grant.SystemUser, &g.server, &g.fingerprint)
	return g, err
}
