package store

import (
	"context"

	"sshkeybot/internal/access"
)

const targetColumns = "name, listed_at, doubt, halted_at, halt_told, resumed_at, halt_wait"

func scanTarget(row scanner) (s access.TargetState, err error) {
	err = row.Scan(&s.ID, &s.Name, instant{&s.ListedAt}, &s.Doubt, instant{&s.HaltedAt}, boolean{&s.HaltTold}, instant{&s.ResumedAt}, span{&s.HaltWait})
	return s, err
}

// Target implements access.ServerTx.
func (t *tx) Target(ctx context.Context, name string) (access.TargetState, error) {
	found, err := many(ctx, t, scanTarget, "SELECT id, "+targetColumns+" FROM targets WHERE name = $1", name)
	if err != nil || len(found) == 0 {
		return access.TargetState{Name: name}, err
	}
	return found[0], nil
}

// Targets implements access.ServerTx.
func (t *tx) Targets(ctx context.Context) ([]access.TargetState, error) {
	return many(ctx, t, scanTarget, "SELECT id, "+targetColumns+" FROM targets ORDER BY name")
}

// SaveTarget implements access.ServerTx.
func (t *tx) SaveTarget(ctx context.Context, s access.TargetState) (access.TargetState, error) {
	query, args := insertion("targets", targetColumns, `ON CONFLICT (name) DO UPDATE SET listed_at = excluded.listed_at, doubt = excluded.doubt, halted_at = excluded.halted_at,
		halt_told = excluded.halt_told, resumed_at = excluded.resumed_at, halt_wait = excluded.halt_wait RETURNING id, `+targetColumns,
		[][]any{{s.Name, ms(s.ListedAt), s.Doubt, ms(s.HaltedAt), bit(s.HaltTold), ms(s.ResumedAt), s.HaltWait.Milliseconds()}})
	return one(ctx, t, scanTarget, query, args...)
}

// RenameTarget implements access.ServerTx. A reading that both targets have is made once.
func (t *tx) RenameTarget(ctx context.Context, from, to string) ([]int64, error) {
	const ofLists = " WHERE place_id = 0 AND system_user = '' AND phase = 'list' AND target = $1 AND " + openResult
	for _, query := range []string{
		"DELETE FROM results" + ofLists + " AND EXISTS (SELECT 1 FROM results o WHERE o.request_id = results.request_id AND o.phase = 'list' AND o.target = $2)",
		"UPDATE results SET target = $2" + ofLists,
		"UPDATE places SET name = $2 || substr(name, length($1) + 1) WHERE target = $1 AND substr(name, 1, length($1) + 1) = $1 || '/'",
	} {
		if _, err := t.Exec(ctx, query, from, to); err != nil {
			return nil, err
		}
	}
	ids, err := many(ctx, t, column[int64], "UPDATE places SET target = $2 WHERE target = $1 RETURNING id", from, to)
	if err != nil {
		return nil, err
	}
	_, err = t.Exec(ctx, "DELETE FROM targets WHERE name = $1", from)
	return ids, err
}
