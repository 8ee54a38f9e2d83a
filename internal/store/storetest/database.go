// Package storetest is the conformance suite of the ledger: it checks the same promises on
// SQLite and on PostgreSQL.
package storetest

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// Opener opens a new, empty ledger for a test.
type Opener func(t *testing.T) *store.Store

// SQLite opens a new ledger in a file that is deleted after the test.
func SQLite(t *testing.T) *store.Store {
	t.Helper()
	return open(t, EmptyFile(t), store.Options{Replica: "self"})
}

// EmptyFile returns the URL of an empty ledger in a file that is deleted after the test.
func EmptyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := WriteEmpty(path); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// WriteEmpty writes the file of a ledger that has its tables and nothing else. Making them again for
// every test would take much longer than copying them.
func WriteEmpty(path string) error {
	content, err := empty()
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "empty.db")
	ledger, err := store.Open(context.Background(), "sqlite:"+path, store.Options{Replica: "self"})
	if err != nil {
		return nil, err
	}
	_, err = ledger.SQLite().Exec("DELETE FROM flags WHERE name = $1", access.FlagLedgerID)
	ledger.Close()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Postgres opens a new ledger in a schema that is dropped after the test.
func Postgres(t *testing.T) *store.Store {
	t.Helper()
	return open(t, PostgresURL(t), store.Options{Replica: "self", Schema: PostgresSchema(t)})
}

// Second opens the same PostgreSQL ledger as another replica. The caller closes it.
func Second(t *testing.T, s *store.Store, replica string) *store.Store {
	t.Helper()
	second, err := store.Open(t.Context(), PostgresURL(t), store.Options{Replica: replica, Schema: s.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	return second
}

func open(t *testing.T, databaseURL string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), databaseURL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// PostgresURL returns the URL of the server for tests, and skips the test if there is none.
func PostgresURL(t *testing.T) string {
	t.Helper()
	server := os.Getenv("SSHKEYBOT_TEST_POSTGRES")
	if server == "" {
		t.Skip(`set SSHKEYBOT_TEST_POSTGRES to a postgres:// URL to run this test: eval "$(.ci/postgres start)"`)
	}
	return server
}

// PostgresSchema creates a schema, drops it after the test, and returns its name.
func PostgresSchema(t *testing.T) string {
	t.Helper()
	schema := "test_" + strings.ToLower(rand.Text())
	onServer(t, t.Context(), "CREATE SCHEMA "+schema)
	t.Cleanup(func() { onServer(t, context.WithoutCancel(t.Context()), "DROP SCHEMA "+schema+" CASCADE") })
	return schema
}

func onServer(t *testing.T, ctx context.Context, statement string) { //nolint:revive // t first, as in all helpers of tests
	t.Helper()
	conn, err := pgx.Connect(ctx, PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}
