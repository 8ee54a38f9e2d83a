package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// A page of the log costs a look into an index, whatever the length of the log.
func TestPagesOfTheLogComeFromIndexes(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), store.Options{Replica: "self"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, c := range map[string]struct {
		q     access.EventQuery
		index string
	}{
		"newest":          {access.EventQuery{Newest: true, Limit: 9}, "audit"},
		"before":          {access.EventQuery{Newest: true, Before: 7, Limit: 9}, "audit"},
		"after":           {access.EventQuery{After: 7, Limit: 9}, "audit"},
		"of a person":     {access.EventQuery{About: "U1", Newest: true, Limit: 9}, "audit_about"},
		"of one, older":   {access.EventQuery{About: "#12", Newest: true, Before: 7, Limit: 9}, "audit_about"},
		"of one, younger": {access.EventQuery{About: "#12", After: 7, Limit: 9}, "audit_about"},
	} {
		query, args := store.EventsSQL(c.q)
		plan := planOf(t, s, query, args)
		all := strings.Join(plan, "\n")
		if !strings.Contains(plan[0], c.index+" USING") || !strings.Contains(all, "INDEX") || strings.Contains(all, "TEMP B-TREE") {
			t.Errorf("%s: %s\n%s", name, query, all)
		}
	}
}

// planOf returns the steps in which SQLite would run a query.
func planOf(t *testing.T, s *store.Store, query string, args []any) (steps []string) {
	t.Helper()
	rows, err := s.SQLite().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
