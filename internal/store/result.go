package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sshkeybot/internal/access"
)

const (
	resultColumns  = "request_id, phase, server_id, system_user, fingerprint, server_name, state, problem, detail, sessions, updated_at, told"
	resultIdentity = "ON CONFLICT (request_id, phase, server_id, system_user, fingerprint) "
)

func scanResult(row scanner) (r access.Result, err error) {
	err = row.Scan(&r.RequestID, &r.Phase, &r.ServerID, &r.SystemUser, &r.Fingerprint, &r.ServerName, &r.State, &r.Problem, &r.Detail, seen{&r.Sessions}, instant{&r.UpdatedAt}, &r.Told)
	return r, err
}

// sessionsText is how the ledger keeps the sessions that were seen: none is a list, too,
// and what could not be read is empty.
func sessionsText(sessions []access.Session) (string, error) {
	if sessions == nil {
		return "", nil
	}
	text, err := json.Marshal(sessions)
	return string(text), err
}

// seen scans what sessionsText wrote.
type seen struct{ to *[]access.Session }

// Scan implements sql.Scanner.
func (s seen) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("sessions are stored as %T", src)
	}
	if *s.to = nil; text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), s.to)
}

func (t *tx) putResults(ctx context.Context, rs []access.Result, onConflict string) error {
	all := make([][]any, len(rs))
	for i, r := range rs {
		sessions, err := sessionsText(r.Sessions)
		if err != nil {
			return err
		}
		all[i] = []any{r.RequestID, r.Phase, r.ServerID, r.SystemUser, r.Fingerprint, r.ServerName, r.State, r.Problem, r.Detail, sessions, ms(r.UpdatedAt), r.Told}
	}
	return insertMany(ctx, t, "results", resultColumns, resultIdentity+onConflict, all)
}

// InsertResults implements access.ResultTx.
func (t *tx) InsertResults(ctx context.Context, rs []access.Result) error {
	return t.putResults(ctx, rs, "DO NOTHING")
}

// SaveResult implements access.ResultTx. It leaves Told alone: that is Tell's.
func (t *tx) SaveResult(ctx context.Context, r access.Result) error {
	return t.putResults(ctx, []access.Result{r}, `DO UPDATE SET server_name = excluded.server_name, state = excluded.state,
		problem = excluded.problem, detail = excluded.detail, sessions = excluded.sessions, updated_at = excluded.updated_at`)
}

// Tell implements access.ResultTx: the thread has shown the State that each has here,
// whatever it has become since.
func (t *tx) Tell(ctx context.Context, rs []access.Result) error {
	return t.putResults(ctx, rs, "DO UPDATE SET told = excluded.state")
}

// OpenResults implements access.ResultTx.
func (t *tx) OpenResults(ctx context.Context, server int64, systemUser, fingerprint string) ([]access.Result, error) {
	return many(ctx, t, scanResult, "SELECT "+resultColumns+` FROM results
		WHERE server_id = $1 AND system_user = $2 AND fingerprint = $3 AND state IN ('waiting', 'failed', 'unknown') ORDER BY request_id, phase`,
		server, systemUser, fingerprint)
}

// WaitingKeys implements access.ResultTx.
func (t *tx) WaitingKeys(ctx context.Context, server int64) ([]access.KeyOfUser, error) {
	return many(ctx, t, scanKeyOfUser, `SELECT DISTINCT system_user, fingerprint FROM results
		WHERE server_id = $1 AND phase IN ('add', 'remove') AND state IN ('waiting', 'failed', 'unknown') ORDER BY system_user, fingerprint`, server)
}

func scanKeyOfUser(row scanner) (k access.KeyOfUser, err error) {
	err = row.Scan(&k.SystemUser, &k.Fingerprint)
	return k, err
}

// ReopenResults implements access.ResultTx.
func (t *tx) ReopenResults(ctx context.Context, server int64, systemUser, fingerprint string, since time.Time) ([]access.Result, error) {
	return many(ctx, t, scanResult, `UPDATE results SET state = 'waiting', problem = '', detail = ''
		WHERE phase = 'remove' AND server_id = $1 AND system_user = $2 AND fingerprint = $3 AND state IN ('done', 'out_of_reach') AND updated_at >= $4
		RETURNING `+resultColumns, server, systemUser, fingerprint, ms(since))
}

// ReopenInspections implements access.ResultTx.
func (t *tx) ReopenInspections(ctx context.Context, server int64) ([]access.Result, error) {
	return many(ctx, t, scanResult, `UPDATE results SET state = 'waiting', problem = '', detail = ''
		WHERE phase = 'inspect' AND server_id = $1 AND state = 'out_of_reach' RETURNING `+resultColumns, server)
}

// ReopenAdditions implements access.ResultTx.
func (t *tx) ReopenAdditions(ctx context.Context, p access.Placement, now time.Time) ([]access.Result, error) {
	return many(ctx, t, scanResult, `UPDATE results SET state = 'waiting', problem = '', detail = ''
		WHERE phase = 'add' AND server_id = $2 AND system_user = $3 AND fingerprint = $4 AND state IN ('done', 'already_there')
			AND request_id IN (SELECT g.request_id `+liveCovers+` AND c.server_id = $2 AND g.system_user = $3 AND c.fingerprint = $4)
		RETURNING `+resultColumns, ms(now), p.ServerID, p.SystemUser, p.Fingerprint)
}

// OpenInspections implements access.ResultTx; the oldest comes first.
func (t *tx) OpenInspections(ctx context.Context) ([]access.Result, error) {
	return many(ctx, t, scanResult, "SELECT "+resultColumns+` FROM results
		WHERE phase = 'inspect' AND state IN ('waiting', 'failed', 'unknown') ORDER BY updated_at, request_id, server_id`)
}

// Unsettled implements access.ResultTx.
func (t *tx) Unsettled(ctx context.Context) ([]int64, error) {
	return many(ctx, t, column[int64], "SELECT DISTINCT request_id FROM results WHERE state IN ('waiting', 'unknown') ORDER BY request_id")
}

// Results implements access.ResultTx.
func (t *tx) Results(ctx context.Context, requestID int64) ([]access.Result, error) {
	return many(ctx, t, scanResult, "SELECT "+resultColumns+" FROM results WHERE request_id = $1 ORDER BY server_name, server_id, phase, system_user, fingerprint", requestID)
}
