package crash

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// database is the database of a test.
type database struct {
	url    string // as the program takes it
	driver string
	source string // as database/sql takes it
}

func onSQLite(t *testing.T) database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	return database{url: "sqlite:" + path, driver: "sqlite", source: "file:" + path + "?_pragma=busy_timeout(5000)"}
}

// onPostgres makes a database, not only a schema: advisory locks and notifications are shared
// by a whole database.
func onPostgres(t *testing.T) database {
	t.Helper()
	server := os.Getenv("SSHKEYBOT_TEST_POSTGRES")
	if server == "" {
		t.Skip(`set SSHKEYBOT_TEST_POSTGRES to a postgres:// URL to run this test: eval "$(.ci/postgres start)"`)
	}
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal("SSHKEYBOT_TEST_POSTGRES is no URL")
	}
	name := "crash_" + strings.ToLower(rand.Text()[:10])
	onServer(t.Context(), t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { onServer(context.Background(), t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	address.Path = "/" + name
	return database{url: address.String(), driver: "pgx", source: address.String()}
}

func onServer(ctx context.Context, t *testing.T, server, statement string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// do runs fn on a connection that is closed afterwards. If one stayed open, SQLite would not
// have to recover the file after the program was killed.
func (d database) do(t *testing.T, fn func(db *sql.DB) error) error {
	t.Helper()
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	return fn(db)
}

// texts returns the rows of a query of one text column. It tries again while the database is
// being set up or recovers.
func (d database) texts(t *testing.T, query string, args ...any) (found []string) {
	t.Helper()
	until(t, patience, func() string {
		err := d.do(t, func(db *sql.DB) error {
			found = found[:0]
			rows, err := db.QueryContext(t.Context(), query, args...)
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			for rows.Next() {
				var text string
				if err := rows.Scan(&text); err != nil {
					return err
				}
				found = append(found, text)
			}
			return rows.Err()
		})
		if err != nil {
			return err.Error()
		}
		return ""
	})
	return found
}

func (d database) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	err := d.do(t, func(db *sql.DB) error {
		_, err := db.ExecContext(t.Context(), statement, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pause waits, between two polls or until the random moment of a kill.
func pause(d time.Duration) { <-time.After(d) }

// until polls ready, which returns what is missing, until it returns "".
func until(t *testing.T, limit time.Duration, ready func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		missing := ready()
		if missing == "" {
			return
		}
		if t.Context().Err() != nil || time.Now().After(deadline) {
			t.Fatalf("after %s: %s", limit, missing)
		}
		pause(20 * time.Millisecond)
	}
}
