package store

import (
	"context"
	"encoding/json"

	"sshkeybot/internal/access"
)

// SaveFacts implements access.RequestTx.
func (t *tx) SaveFacts(ctx context.Context, id int64, f access.Facts) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, "INSERT INTO request_facts (request_id, digest, facts) VALUES ($1, $2, $3) ON CONFLICT (request_id, digest) DO NOTHING",
		id, f.Digest(), string(text))
	return err
}

// Facts implements access.RequestTx.
func (t *tx) Facts(ctx context.Context, id int64, digest string) (f access.Facts, err error) {
	text, err := one(ctx, t, column[string], "SELECT facts FROM request_facts WHERE request_id = $1 AND digest = $2", id, digest)
	if err == nil {
		err = json.Unmarshal([]byte(text), &f)
	}
	return f, err
}

// DropFacts implements access.RequestTx.
func (t *tx) DropFacts(ctx context.Context, id int64) error {
	_, err := t.Exec(ctx, "DELETE FROM request_facts WHERE request_id = $1", id)
	return err
}
