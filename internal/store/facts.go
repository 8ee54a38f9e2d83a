package store

import (
	"context"
	"encoding/json"

	"sshkeybot/internal/access"
)

// SaveFacts implements access.ApprovalTx.
func (t *tx) SaveFacts(ctx context.Context, id int64, f access.Facts) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, "INSERT INTO request_facts (request_id, digest, facts) VALUES ($1, $2, $3) ON CONFLICT (request_id, digest) DO NOTHING",
		id, f.Digest(), string(text))
	return err
}

// Facts implements access.ApprovalTx.
func (t *tx) Facts(ctx context.Context, id int64, digest string) (f access.Facts, err error) {
	text, err := one(ctx, t, column[string], "SELECT facts FROM request_facts WHERE request_id = $1 AND digest = $2", id, digest)
	if err == nil {
		err = json.Unmarshal([]byte(text), &f)
	}
	return f, err
}

// DropFacts implements access.ApprovalTx.
func (t *tx) DropFacts(ctx context.Context, id int64) error {
	_, err := t.Exec(ctx, "DELETE FROM request_facts WHERE request_id = $1", id)
	return err
}

const askerColumns = "request_id, asker, source, reason, at"

// AddAsker implements access.RequestTx.
func (t *tx) AddAsker(ctx context.Context, a access.Asker) (bool, error) {
	return won(t.Exec(ctx, "INSERT INTO request_askers ("+askerColumns+") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (request_id, asker) DO NOTHING",
		a.RequestID, a.Asker, a.Source, a.Reason, ms(a.At)))
}

// DropAsker implements access.RequestTx.
func (t *tx) DropAsker(ctx context.Context, id int64, asker access.UserID) error {
	_, err := t.Exec(ctx, "DELETE FROM request_askers WHERE request_id = $1 AND asker = $2", id, asker)
	return err
}

// Askers implements access.RequestTx.
func (t *tx) Askers(ctx context.Context, id int64) ([]access.Asker, error) {
	scan := func(row scanner) (a access.Asker, err error) {
		err = row.Scan(&a.RequestID, &a.Asker, &a.Source, &a.Reason, instant{&a.At})
		return a, err
	}
	return many(ctx, t, scan, "SELECT "+askerColumns+" FROM request_askers WHERE request_id = $1 ORDER BY at, asker", id)
}
