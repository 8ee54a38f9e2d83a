package store_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Both databases have the same tables and indexes, except for how IDs are generated, where rows
// are kept, and the name of the type of bytes. What only one of them needs comes last.
func TestMigrationsAgree(t *testing.T) {
	t.Parallel()
	words := strings.NewReplacer("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", " BLOB ", " BYTEA ", ") WITHOUT ROWID;", ");")
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
	for i, line := range sqlite {
		if strings.HasPrefix(line, "-- Times are milliseconds") {
			sqlite = slices.Delete(sqlite, i+1, i+2) // about WITHOUT ROWID
			break
		}
	}
	postgres := shared("postgres/00001_ledger.sql", "-- The processes at work on this ledger")
	if diff := cmp.Diff(sqlite, postgres); diff != "" {
		t.Errorf("(-SQLite +PostgreSQL):\n%s", diff)
	}
}
