package store

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

const keyColumns = "fingerprint, person, type, blob, note, registered_at, proved_at, removed_at, ended, ended_by"

// Person implements access.PersonTx.
func (t *tx) Person(ctx context.Context, id access.UserID) (access.Person, error) {
	scan := func(row scanner) (p access.Person, err error) {
		err = row.Scan(&p.ID, instant{&p.OffboardedAt}, instant{&p.ReturnedAt}, instant{&p.ReinstatedAt}, &p.Standing)
		return p, err
	}
	found, err := many(ctx, t, scan, "SELECT id, offboarded_at, returned_at, reinstated_at, standing FROM persons WHERE id = $1", id)
	if err != nil || len(found) == 0 {
		return access.Person{ID: id}, err
	}
	return found[0], nil
}

// SetOffboarded implements access.PersonTx.
func (t *tx) SetOffboarded(ctx context.Context, id access.UserID, at time.Time) error {
	_, err := t.Exec(ctx, `INSERT INTO persons (id, offboarded_at, returned_at, reinstated_at, standing) VALUES ($1, $2, 0, 0, '')
		ON CONFLICT (id) DO UPDATE SET offboarded_at = excluded.offboarded_at, returned_at = 0, reinstated_at = 0
		WHERE persons.offboarded_at = 0 OR persons.returned_at <> 0`, id, ms(at))
	return err
}

// SetReturned implements access.PersonTx.
func (t *tx) SetReturned(ctx context.Context, id access.UserID, at time.Time) (bool, error) {
	return won(t.Exec(ctx, "UPDATE persons SET returned_at = $2 WHERE id = $1 AND offboarded_at <> 0 AND (returned_at = 0) <> (CAST($2 AS BIGINT) = 0)", id, ms(at)))
}

// Reinstate implements access.PersonTx.
func (t *tx) Reinstate(ctx context.Context, id access.UserID, at time.Time) (bool, error) {
	return won(t.Exec(ctx, "UPDATE persons SET offboarded_at = 0, returned_at = 0, reinstated_at = $2 WHERE id = $1 AND offboarded_at <> 0", id, ms(at)))
}

// SetStanding implements access.PersonTx.
func (t *tx) SetStanding(ctx context.Context, id access.UserID, standing access.Standing) error {
	_, err := t.Exec(ctx, `INSERT INTO persons (id, offboarded_at, returned_at, reinstated_at, standing) VALUES ($1, 0, 0, 0, $2)
		ON CONFLICT (id) DO UPDATE SET standing = excluded.standing`, id, standing)
	return err
}

// KnownPersons implements access.PersonTx. An open request counts for its asker and for the
// person it is for.
func (t *tx) KnownPersons(ctx context.Context) ([]access.UserID, error) {
	return many(ctx, t, column[access.UserID], `SELECT person FROM (
			SELECT person FROM person_keys WHERE removed_at = 0
			UNION SELECT person FROM grants WHERE state = 'live'
			UNION SELECT person FROM requests WHERE state IN ('waiting_for_key', 'pending')
			UNION SELECT asker FROM requests WHERE state IN ('waiting_for_key', 'pending')
			UNION SELECT id FROM persons WHERE offboarded_at <> 0
		) AS known
		WHERE person <> '' ORDER BY person`)
}

// Key implements access.KeyTx.
func (t *tx) Key(ctx context.Context, fingerprint string) (access.Key, error) {
	return one(ctx, t, scanKey, holders+" LIMIT 1", fingerprint)
}

// Holders implements access.KeyTx.
func (t *tx) Holders(ctx context.Context, fingerprint string) ([]access.Key, error) {
	return many(ctx, t, scanKey, holders, fingerprint)
}

// holders selects everybody who ever held a key, the present holder first.
const holders = "SELECT " + keyColumns + ` FROM person_keys WHERE fingerprint = $1
	ORDER BY CASE WHEN removed_at = 0 THEN 0 ELSE 1 END, removed_at DESC, registered_at DESC, person`

// KeysOf implements access.KeyTx.
func (t *tx) KeysOf(ctx context.Context, id access.UserID) ([]access.Key, error) {
	return many(ctx, t, scanKey, "SELECT "+keyColumns+" FROM person_keys WHERE person = $1 AND person <> '' AND removed_at = 0 ORDER BY registered_at, fingerprint", id)
}

// AllKeysOf implements access.KeyTx.
func (t *tx) AllKeysOf(ctx context.Context, id access.UserID) ([]access.Key, error) {
	return many(ctx, t, scanKey, "SELECT "+keyColumns+" FROM person_keys WHERE person = $1 AND person <> '' ORDER BY registered_at, fingerprint", id)
}

// SaveKey implements access.KeyTx.
func (t *tx) SaveKey(ctx context.Context, k access.Key) error {
	return insertMany(ctx, t, "person_keys", keyColumns, `ON CONFLICT (fingerprint, person) DO UPDATE SET type = excluded.type, blob = excluded.blob,
			note = excluded.note, registered_at = excluded.registered_at, proved_at = excluded.proved_at,
			removed_at = excluded.removed_at, ended = excluded.ended, ended_by = excluded.ended_by`,
		[][]any{{k.Fingerprint, k.Person, k.Type, k.Blob, k.Note, ms(k.RegisteredAt), ms(k.ProvedAt), ms(k.RemovedAt), k.Ended, k.EndedBy}})
}

func scanKey(row scanner) (k access.Key, err error) {
	err = row.Scan(&k.Fingerprint, &k.Person, &k.Type, &k.Blob, &k.Note, instant{&k.RegisteredAt}, instant{&k.ProvedAt}, instant{&k.RemovedAt}, &k.Ended, &k.EndedBy)
	return k, err
}
