package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// A ledger from before says of its keys how they ended, as far as it knows that.
func TestKeysOfAnOlderLedger(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "ledger.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	older, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := older.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, `
		INSERT INTO person_keys VALUES ('held', 'U1', 't', 'b', 'n', 10, 0), ('removed', 'U1', 't', 'b', 'n', 10, 20), ('revoked', 'U1', 't', 'b', 'n', 10, 30),
			('back', 'U1', 't', 'b', 'n', 40, 0), ('leavers', 'U2', 't', 'b', 'n', 10, 0), ('removed before', 'U2', 't', 'b', 'n', 10, 20);
		INSERT INTO persons VALUES ('U2', 50);
		INSERT INTO requests SELECT NULL, 'revoke', 'approved', '', 'U9', 'U1', '', 0, '', '', '', '', 0, '', f.value, '', 0, '', 25, 25, 30, 'U9', '', 0
			FROM (SELECT 'revoked' AS value UNION SELECT 'back') AS f`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(ctx, "sqlite:"+path, store.Options{Replica: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	type end struct {
		how access.KeyEnd
		at  int64
	}
	got := map[string]end{}
	err = s.Read(ctx, func(tx access.Tx) error {
		for _, person := range []access.UserID{"U1", "U2"} {
			keys, err := tx.AllKeysOf(ctx, person)
			if err != nil {
				return err
			}
			for _, k := range keys {
				got[k.Fingerprint] = end{k.Ended, max(0, k.RemovedAt.Sub(time.UnixMilli(0)).Milliseconds())}
			}
		}
		return nil
	})
	want := map[string]end{
		"held": {access.KeyCounts, 0}, "removed": {access.KeyRemoved, 20}, "revoked": {access.KeyRevoked, 30}, "back": {access.KeyCounts, 0},
		"leavers": {access.KeyOffboarded, 50}, "removed before": {access.KeyOffboarded, 50},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(end{})); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
