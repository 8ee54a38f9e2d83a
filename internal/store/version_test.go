package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

// A ledger with the tables of another version is refused, and stays as it is.
func TestLedgersOfOtherVersionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ change, words string }{
		"from before the first release": {"DROP TABLE places", "before the first release"},
		"with an earlier form of one":   {"ALTER TABLE notices DROP COLUMN target", "before the first release"},
		"with an earlier audit log":     {"ALTER TABLE audit DROP COLUMN about", "before the first release"},
		"without the last column":       {"ALTER TABLE requests DROP COLUMN standing", "before the first release"},
		"without the last table":        {"DROP TABLE rotations", "before the first release"},
		"of a newer version":            {"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, %true)", "newer version"},
	} {
		t.Run("SQLite "+name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ledger.db")
			s, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "self"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.SQLite().ExecContext(t.Context(), strings.ReplaceAll(c.change, "%true", "1")); err != nil {
				t.Fatal(err)
			}
			s.Close()
			checkRefused(t, c.words, func() error {
				_, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "self"})
				return err
			})
			checkRefused(t, c.words, func() error { _, err := store.OpenReadOnly(t.Context(), "sqlite:"+path); return err })
			if c.change == "DROP TABLE places" {
				checkNoPlaces(t, path)
			}
		})
		t.Run("PostgreSQL "+name, func(t *testing.T) {
			t.Parallel()
			url, schema := storetest.PostgresURL(t), storetest.PostgresSchema(t)
			s, err := store.Open(t.Context(), url, store.Options{Replica: "self", Schema: schema})
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			execIn(t, url, schema, strings.ReplaceAll(c.change, "%true", "true"))
			checkRefused(t, c.words, func() error {
				_, err := store.Open(t.Context(), url, store.Options{Replica: "self", Schema: schema})
				return err
			})
		})
	}
}

func checkRefused(t *testing.T, words string, open func() error) {
	t.Helper()
	if err := open(); access.CodeOf(err) != access.Invalid || !strings.Contains(access.MessageOf(err), words) {
		t.Errorf("opened: %v, want it refused with %q", err, words)
	}
}

// checkNoPlaces fails the test if the table of places was made again.
func checkNoPlaces(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "SELECT 1 FROM places"); err == nil {
		t.Error("the ledger was changed")
	}
}

func execIn(t *testing.T, url, schema, query string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "SET search_path = "+pgx.Identifier{schema}.Sanitize()); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, query); err != nil {
		t.Fatal(err)
	}
}
