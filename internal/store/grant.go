package store

import (
	"context"
	"strconv"
	"time"

	"sshkeybot/internal/access"
)

const grantColumns = "request_id, person, alias, system_user, state, starts_at, ends_at, ended_at, end_reason, ended_by, reminded_at, steady_end"

func grantValues(g access.Grant) []any {
	return []any{
		g.RequestID, g.Person, g.Alias, g.SystemUser, g.State, ms(g.StartsAt), ms(g.EndsAt), ms(g.EndedAt), g.EndReason, g.EndedBy, ms(g.RemindedAt), ms(g.SteadyEnd),
	}
}

func scanGrant(row scanner) (g access.Grant, err error) {
	err = row.Scan(&g.ID, &g.RequestID, &g.Person, &g.Alias, &g.SystemUser, &g.State, instant{&g.StartsAt}, instant{&g.EndsAt}, instant{&g.EndedAt},
		&g.EndReason, &g.EndedBy, instant{&g.RemindedAt}, instant{&g.SteadyEnd})
	return g, err
}

// InsertGrant implements access.GrantTx. It stores the covers with the new grant's ID.
func (t *tx) InsertGrant(ctx context.Context, g access.Grant, covers []access.Cover) (access.Grant, error) {
	query, args := insertion("grants", grantColumns+", servers, keys", "RETURNING id, "+grantColumns, [][]any{append(grantValues(g), 0, 0)})
	g, err := one(ctx, t, scanGrant, query, args...)
	if err != nil {
		return access.Grant{}, err
	}
	all, fingerprints := make([][]any, len(covers)), make([]string, len(covers))
	for i, c := range covers {
		all[i] = []any{g.ID, c.ServerID, numbered(c.Fingerprint), ms(c.EndedAt)}
		fingerprints[i] = c.Fingerprint
	}
	if err := t.numberFingerprints(ctx, fingerprints); err != nil {
		return access.Grant{}, err
	}
	if err := insertMany(ctx, t, "covers", "grant_id, place_id, fingerprint, ended_at", "", all); err != nil {
		return access.Grant{}, err
	}
	return g, t.measureGrants(ctx, " WHERE id = $1", g.ID)
}

// measureGrants counts anew what grants cover.
func (t *tx) measureGrants(ctx context.Context, where string, args ...any) error {
	_, err := t.Exec(ctx, `UPDATE grants SET
		servers = (SELECT COUNT(DISTINCT place_id) FROM covers WHERE grant_id = grants.id AND ended_at = 0),
		keys = (SELECT COUNT(*) FROM covers WHERE grant_id = grants.id AND ended_at = 0)`+where, args...)
	return err
}

// Grant implements access.GrantTx.
func (t *tx) Grant(ctx context.Context, id int64) (access.Grant, error) {
	return one(ctx, t, scanGrant, "SELECT id, "+grantColumns+" FROM grants WHERE id = $1", id)
}

// MoveGrant implements access.GrantTx.
func (t *tx) MoveGrant(ctx context.Context, g access.Grant, from access.GrantState) (bool, error) {
	return won(t.Exec(ctx, "UPDATE grants SET "+assignments(grantColumns, 3)+" WHERE id = $1 AND state = $2",
		append([]any{g.ID, from}, grantValues(g)...)...))
}

// Grants implements access.GrantTx.
func (t *tx) Grants(ctx context.Context, q access.GrantQuery) ([]access.Grant, error) {
	c := grantConditions(q)
	return many(ctx, t, scanGrant, "SELECT id, "+grantColumns+" FROM grants"+c.where()+byID(q.Newest)+limit(q.Limit), c.args...)
}

// CountGrants implements access.GrantTx.
func (t *tx) CountGrants(ctx context.Context, q access.GrantQuery) (int, error) {
	c := grantConditions(q)
	return one(ctx, t, column[int], "SELECT COUNT(*) FROM grants"+c.where(), c.args...)
}

func grantConditions(q access.GrantQuery) (c conditions) {
	addWords(&c, "state", q.State)
	addIf(&c, "person = ?", q.Person)
	addIf(&c, "request_id = ?", q.RequestID)
	if q.SteadyUntil.IsZero() {
		addIf(&c, "ends_at > 0 AND ends_at <= ?", ms(q.EndsBefore))
	} else {
		c.add("(ends_at > 0 AND ends_at <= ? OR steady_end > 0 AND steady_end <= ?)", ms(q.EndsBefore), ms(q.SteadyUntil))
	}
	if q.NotReminded {
		c.add("reminded_at = 0")
	}
	addIf(&c, "id > ?", q.After)
	addIf(&c, "id < ?", q.Before)
	return c
}

// Covers implements access.GrantTx.
func (t *tx) Covers(ctx context.Context, grantID int64) ([]access.Cover, error) {
	scan := func(row scanner) (c access.Cover, err error) {
		err = row.Scan(&c.GrantID, &c.ServerID, &c.Fingerprint, instant{&c.EndedAt})
		return c, err
	}
	return many(ctx, t, scan, "SELECT grant_id, place_id, "+fingerprintText+", ended_at FROM covers WHERE grant_id = $1 ORDER BY place_id, fingerprint", grantID)
}

// GrantSize implements access.GrantTx. Where a person has only one grant for a system user, an
// index knows how many of their keys are placed for that one.
func (t *tx) GrantSize(ctx context.Context, id int64) (access.GrantSize, error) {
	const placed = "SELECT COUNT(*) FROM placements p WHERE p.state = 'placed' AND p.person = grants.person AND p.system_user = grants.system_user"
	scan := func(row scanner) (n access.GrantSize, err error) {
		err = row.Scan(&n.Servers, &n.Keys, &n.Placed)
		return n, err
	}
	n, err := one(ctx, t, scan, `SELECT servers, keys, CASE
			WHEN EXISTS (SELECT 1 FROM grants o WHERE o.state = 'live' AND o.person = grants.person AND o.system_user = grants.system_user AND o.id <> grants.id)
			THEN (`+placed+` AND EXISTS (SELECT 1 FROM covers c WHERE c.grant_id = grants.id AND c.place_id = p.place_id AND c.fingerprint = p.fingerprint AND c.ended_at = 0))
			ELSE (`+placed+") END FROM grants WHERE id = $1", id)
	n.Placed = min(n.Placed, n.Keys) // one that is about to leave may be placed besides
	return n, err
}

// EndCovers implements access.GrantTx.
func (t *tx) EndCovers(ctx context.Context, q access.CoverQuery, at time.Time) error {
	var grants conditions
	grants.add("state = 'live'")
	addIf(&grants, "person = ?", q.Person)
	addIf(&grants, "system_user = ?", q.SystemUser)
	if q.OfPersons {
		grants.add("person <> ''")
	}
	c := conditions{args: grants.args}
	c.add("ended_at = 0")
	c.add("grant_id IN (SELECT id FROM grants" + grants.where() + ")")
	addIf(&c, "fingerprint = "+numberOf("?"), q.Fingerprint)
	addIn(&c, "place_id", q.Servers)
	c.args = append(c.args, ms(at))
	if _, err := t.Exec(ctx, "UPDATE covers SET ended_at = $"+strconv.Itoa(len(c.args))+c.where(), c.args...); err != nil {
		return err
	}
	return t.measureGrants(ctx, grants.where(), grants.args...)
}

// EmptyGrants implements access.GrantTx.
func (t *tx) EmptyGrants(ctx context.Context) ([]access.Grant, error) {
	return many(ctx, t, scanGrant, "SELECT id, "+grantColumns+` FROM grants WHERE state = 'live' AND keys = 0 ORDER BY id`)
}
