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
