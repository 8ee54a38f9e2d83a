package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Both databases have the same tables and indexes, except for how IDs are generated and for
// the name of the type of bytes. What only one of them needs comes last.
func TestMigrationsAgree(t *testing.T) {
	t.Parallel()
	words := strings.NewReplacer("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", " BLOB ", " BYTEA ")
	shared := func(file, end string) []string {
		text, err := os.ReadFile(filepath.Join("migrations", file))
		if err != nil {
			t.Fatal(err)
		}
		tables, rest, found := strings.Cut(string(text), end)
		if !found || strings.Contains(rest, "INDEX") {
			t.Errorf("%s: the part for this database alone does not begin with %q, or has an index", file, end)
		}
		return strings.Split(words.Replace(tables), "\n")
	}
	sqlite := shared("sqlite/00001_ledger.sql", "-- The audit log only grows.")
	postgres := shared("postgres/00001_ledger.sql", "-- The processes at work on this ledger")
	if diff := cmp.Diff(sqlite, postgres); diff != "" {
		t.Errorf("(-SQLite +PostgreSQL):\n%s", diff)
	}
}
