package store

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

const challengeColumns = "nonce, person, fingerprint, type, blob, note, text, expires_at"

// SaveChallenge implements access.KeyTx. It also deletes challenges that expired long ago.
func (t *tx) SaveChallenge(ctx context.Context, c access.Challenge, now time.Time) error {
	if _, err := t.Exec(ctx, "DELETE FROM challenges WHERE expires_at <= $1 OR person = $2 AND fingerprint = $3",
		ms(now.Add(-keepExpired)), c.Person, c.Fingerprint); err != nil {
		return err
	}
	return insertMany(ctx, t, "challenges", challengeColumns, "",
		[][]any{{c.Nonce, c.Person, c.Fingerprint, c.Type, c.Blob, c.Note, c.Text, ms(c.ExpiresAt)}})
}

// keepExpired is how long an expired challenge is kept, so that somebody who is late is told
// that it expired, not that it does not exist.
const keepExpired = 24 * time.Hour

// Challenge implements access.KeyTx.
func (t *tx) Challenge(ctx context.Context, nonce string) (access.Challenge, error) {
	scan := func(row scanner) (c access.Challenge, err error) {
		err = row.Scan(&c.Nonce, &c.Person, &c.Fingerprint, &c.Type, &c.Blob, &c.Note, &c.Text, instant{&c.ExpiresAt})
		return c, err
	}
	return one(ctx, t, scan, "SELECT "+challengeColumns+" FROM challenges WHERE nonce = $1", nonce)
}

// DropChallenge implements access.KeyTx. The row is the proof that the challenge was not
// used before: of two transactions that delete it, one finds it gone.
func (t *tx) DropChallenge(ctx context.Context, nonce string) (bool, error) {
	return won(t.Exec(ctx, "DELETE FROM challenges WHERE nonce = $1", nonce))
}
