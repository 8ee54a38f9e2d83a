package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
)

// What an earlier version called gone, because a list lacked it, is asked for again, and
// the sessions that it saw are kept where they belong.
func TestMigrationOfMissingServers(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	files, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS(filepath.Join("migrations", "sqlite")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.UpTo(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO servers (id, name, tags, online, seen_at, gone_at) VALUES (1, 'web-01', '[]', 1, 5, 0), (2, 'web-02', '[]', 1, 5, 9)`,
		`INSERT INTO results (request_id, phase, server_id, system_user, fingerprint, server_name, state, problem, detail, updated_at, told)
			VALUES (1, 'inspect', 1, '', '', 'web-01', 'done', '', '[{"SystemUser":"web"}]', 5, ''), (1, 'inspect', 2, '', '', 'web-02', 'waiting', 'trouble', 'Server Error', 5, '')`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := files.UpTo(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	var got []string
	rows, err := db.QueryContext(t.Context(), `SELECT name || ' ' || not_found_at || ' ' || gone_at FROM servers UNION ALL SELECT server_name || ' «' || detail || '» ' || sessions FROM results`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	want := []string{"web-01 0 0", "web-02 9 0", `web-01 «» [{"SystemUser":"web"}]`, "web-02 «Server Error» "}
	if diff := cmp.Diff(want, got); diff != "" || rows.Err() != nil {
		t.Errorf("(-want +got):\n%s%v", diff, rows.Err())
	}
}
