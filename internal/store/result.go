package store

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

const (
	resultColumns  = "request_id, phase, place_id, target, system_user, fingerprint, picked, place_name, state, problem, remedy, detail, sessions_read, updated_at, told"
	resultIdentity = "ON CONFLICT (request_id, phase, place_id, target, system_user, fingerprint, picked) "
	resultFields   = "request_id, phase, place_id, target, system_user, " + fingerprintText + ", picked, place_name, state, problem, remedy, detail, sessions_read, updated_at, told"
	openResult     = "state IN ('waiting', 'failed', 'unknown')"
)

// scanResult scans a result without its sessions: Sessions is empty if they were read, and
// nil if they were not. withSessions fills it in.
func scanResult(row scanner) (r access.Result, err error) {
	var read bool
	err = row.Scan(&r.RequestID, &r.Phase, &r.ServerID, &r.Target, &r.SystemUser, &r.Fingerprint, &r.Picked, &r.ServerName, &r.State, &r.Problem, &r.Remedy, &r.Detail,
		boolean{&read}, instant{&r.UpdatedAt}, &r.Told)
	if read {
		r.Sessions = []access.Session{}
	}
	return r, err
}

func (t *tx) putResults(ctx context.Context, rs []access.Result, onConflict string) error {
	all, fingerprints := make([][]any, len(rs)), make([]string, len(rs))
	for i, r := range rs {
		fingerprints[i] = r.Fingerprint
		all[i] = []any{
			r.RequestID, r.Phase, r.ServerID, r.Target, r.SystemUser, numbered(r.Fingerprint), r.Picked, r.ServerName, r.State, r.Problem, r.Remedy, r.Detail,
			bit(r.Sessions != nil), ms(r.UpdatedAt), r.Told,
		}
	}
	if err := t.numberFingerprints(ctx, fingerprints); err != nil {
		return err
	}
	return insertMany(ctx, t, "results", resultColumns, resultIdentity+onConflict, all)
}

// InsertResults implements access.ResultTx.
func (t *tx) InsertResults(ctx context.Context, rs []access.Result) error {
	return t.putResults(ctx, rs, "DO NOTHING")
}

// OweRemovals implements access.ResultTx.
func (t *tx) OweRemovals(ctx context.Context, requestID, grantID int64, q access.CoverQuery, now time.Time) error {
	c := conditions{args: []any{requestID, grantID, ms(now)}}
	addIf(&c, "c.fingerprint = "+numberOf("?"), q.Fingerprint)
	addIn(&c, "c.place_id", q.Servers)
	_, err := t.Exec(ctx, "INSERT INTO results ("+resultColumns+`)
		SELECT CAST($1 AS BIGINT), 'remove', c.place_id, '', g.system_user, c.fingerprint, '', COALESCE(s.name, ''), 'waiting', '', '', '', 0, CAST($3 AS BIGINT), ''
		FROM grants g CROSS JOIN covers c LEFT JOIN places s ON s.id = c.place_id WHERE g.id = $2 AND c.grant_id = g.id AND c.ended_at = 0`+c.and()+`
			AND EXISTS (SELECT 1 FROM placements p WHERE p.place_id = c.place_id AND p.system_user = g.system_user AND p.fingerprint = c.fingerprint
				AND `+there+" AND p.state <> 'wanted' "+eachAlone+") "+resultIdentity+"DO NOTHING", c.args...)
	return err
}

// SaveResult implements access.ResultTx. It leaves Told alone, which the outbox may have
// changed by Tell since the result was read.
func (t *tx) SaveResult(ctx context.Context, r access.Result) error {
	err := t.putResults(ctx, []access.Result{r}, `DO UPDATE SET place_name = excluded.place_name, state = excluded.state,
		problem = excluded.problem, remedy = excluded.remedy, detail = excluded.detail, sessions_read = excluded.sessions_read, updated_at = excluded.updated_at`)
	if err != nil || r.Phase != access.PhaseInspect {
		return err
	}
	return t.saveSessions(ctx, r)
}

// saveSessions replaces the sessions of an inspection.
func (t *tx) saveSessions(ctx context.Context, r access.Result) error {
	if _, err := t.Exec(ctx, "DELETE FROM sessions WHERE request_id = $1 AND place_id = $2", r.RequestID, r.ServerID); err != nil {
		return err
	}
	all := make([][]any, len(r.Sessions))
	for i, s := range r.Sessions {
		all[i] = []any{r.RequestID, r.ServerID, i, s.SystemUser, s.Address, s.Since}
	}
	return insertMany(ctx, t, "sessions", "request_id, place_id, number, system_user, address, since", "", all)
}

// withSessions fills in the sessions of a request's inspections.
func (t *tx) withSessions(ctx context.Context, request int64, results []access.Result) error {
	type seen struct {
		place int64
		access.Session
	}
	scan := func(row scanner) (s seen, err error) {
		err = row.Scan(&s.place, &s.SystemUser, &s.Address, &s.Since)
		return s, err
	}
	all, err := many(ctx, t, scan, "SELECT place_id, system_user, address, since FROM sessions WHERE request_id = $1 ORDER BY place_id, number", request)
	of := map[int64][]access.Session{}
	for _, s := range all {
		of[s.place] = append(of[s.place], s.Session)
	}
	for i, r := range results {
		if r.Phase == access.PhaseInspect && len(of[r.ServerID]) > 0 {
			results[i].Sessions = of[r.ServerID]
		}
	}
	return err
}

// Tell implements access.ResultTx. The state may have changed while the message was being
// posted, so it stores the one that was shown; the difference is told next.
func (t *tx) Tell(ctx context.Context, rs []access.Result) error {
	return t.putResults(ctx, rs, "DO UPDATE SET told = excluded.state")
}

// OpenResults implements access.ResultTx.
func (t *tx) OpenResults(ctx context.Context, on access.KeyOn) ([]access.Result, error) {
	return many(ctx, t, scanResult, "SELECT "+resultFields+` FROM results
		WHERE place_id = $1 AND system_user = $2 AND fingerprint = `+numberOf("$3")+` AND picked = $4 AND phase IN ('add', 'remove') AND `+openResult+" ORDER BY request_id, phase",
		on.ServerID, on.SystemUser, on.Fingerprint, on.Picked)
}

// OpenReadings implements access.ResultTx.
func (t *tx) OpenReadings(ctx context.Context, server int64) ([]access.Result, error) {
	return many(ctx, t, scanResult, "SELECT "+resultFields+` FROM results
		WHERE place_id = $1 AND system_user = '' AND fingerprint = `+numberOf("''")+` AND phase = 'inspect' AND `+openResult+" ORDER BY request_id", server)
}

// OpenAudits implements access.ResultTx.
func (t *tx) OpenAudits(ctx context.Context, before time.Time, most int) ([]access.Result, error) {
	const open = "SELECT " + resultFields + " FROM results WHERE phase = 'audit' AND state = 'waiting' AND updated_at "
	return many(ctx, t, scanResult, open+"< $1 UNION ALL "+open+"> $2 ORDER BY updated_at, request_id, place_id"+limit(most), ms(before), ms(before.Add(wrongClock)))
}

// OpenLists implements access.ResultTx.
func (t *tx) OpenLists(ctx context.Context, target string) ([]access.Result, error) {
	return many(ctx, t, scanResult, "SELECT "+resultFields+` FROM results
		WHERE place_id = 0 AND system_user = '' AND fingerprint = `+numberOf("''")+` AND phase = 'list' AND target = $1 AND `+openResult+" ORDER BY request_id", target)
}

// WaitingKeys implements access.ResultTx.
func (t *tx) WaitingKeys(ctx context.Context, server int64) ([]access.KeyOn, error) {
	scan := func(row scanner) (on access.KeyOn, err error) {
		err = row.Scan(&on.ServerID, &on.SystemUser, &on.Fingerprint, &on.Picked)
		return on, err
	}
	return many(ctx, t, scan, `SELECT DISTINCT place_id, system_user, `+fingerprintText+`, picked FROM results
		WHERE place_id = $1 AND phase IN ('add', 'remove') AND `+openResult+" ORDER BY system_user, fingerprint, picked", server)
}

// ReopenResults implements access.ResultTx.
func (t *tx) ReopenResults(ctx context.Context, on access.KeyOn, since time.Time) ([]access.Result, error) {
	return many(ctx, t, scanResult, `UPDATE results SET state = 'waiting', problem = '', remedy = '', detail = ''
		WHERE phase = 'remove' AND place_id = $1 AND system_user = $2 AND fingerprint = `+numberOf("$3")+` AND picked = $4 AND state IN ('done', 'out_of_reach') AND updated_at >= $5
		RETURNING `+resultFields, on.ServerID, on.SystemUser, on.Fingerprint, on.Picked, ms(since))
}

// ReopenInspections implements access.ResultTx.
func (t *tx) ReopenInspections(ctx context.Context, server int64) ([]access.Result, error) {
	return many(ctx, t, scanResult, `UPDATE results SET state = 'waiting', problem = '', remedy = '', detail = ''
		WHERE phase = 'inspect' AND place_id = $1 AND state = 'out_of_reach' RETURNING `+resultFields, server)
}

// ReopenReadings implements access.ResultTx.
func (t *tx) ReopenReadings(ctx context.Context, request int64) ([]access.Result, error) {
	return many(ctx, t, scanResult, `UPDATE results SET state = 'waiting', problem = '', remedy = '', detail = ''
		WHERE phase = 'inspect' AND request_id = $1 AND state <> 'out_of_reach' RETURNING `+resultFields, request)
}

// ReopenAdditions implements access.ResultTx.
func (t *tx) ReopenAdditions(ctx context.Context, p access.Placement, now time.Time) ([]access.Result, error) {
	return many(ctx, t, scanResult, `UPDATE results SET state = 'waiting', problem = '', remedy = '', detail = ''
		WHERE phase = 'add' AND place_id = $2 AND system_user = $3 AND fingerprint = `+numberOf("$4")+` AND state IN ('done', 'already_there')
			AND request_id IN (SELECT g.request_id `+liveCovers+` AND c.place_id = $2 AND g.system_user = $3 AND c.fingerprint = `+numberOf("$4")+`)
		RETURNING `+resultFields, ms(now), p.ServerID, p.SystemUser, p.Fingerprint)
}

// OpenInspections implements access.ResultTx.
func (t *tx) OpenInspections(ctx context.Context) ([]access.Result, error) {
	return many(ctx, t, scanResult, "SELECT "+resultFields+` FROM results
		WHERE phase IN ('inspect', 'list') AND `+openResult+" ORDER BY updated_at, request_id, place_id, target")
}

// Unsettled implements access.ResultTx.
func (t *tx) Unsettled(ctx context.Context) ([]int64, error) {
	return many(ctx, t, column[int64], "SELECT DISTINCT request_id FROM results WHERE state IN ('waiting', 'unknown') ORDER BY request_id")
}

// Results implements access.ResultTx.
func (t *tx) Results(ctx context.Context, requestID int64) ([]access.Result, error) {
	all, err := many(ctx, t, scanResult, "SELECT "+resultFields+` FROM results WHERE request_id = $1
		ORDER BY place_name, place_id, target, phase, system_user, fingerprint, picked`, requestID)
	if err != nil {
		return nil, err
	}
	return all, t.withSessions(ctx, requestID, all)
}
