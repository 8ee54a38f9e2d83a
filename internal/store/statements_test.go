package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"modernc.org/sqlite"
)

// counting counts the statements that connections prepare.
type counting struct {
	driver.Connector

	prepared int
}

func (c *counting) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	native, ok := opened.(nativeConn)
	if !ok {
		return nil, errors.New("not a connection of the driver")
	}
	return &countingConn{native, c}, nil
}

type countingConn struct {
	nativeConn

	by *counting
}

func (c *countingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.by.prepared++
	return c.nativeConn.PrepareContext(ctx, query)
}

func keepingPool(t *testing.T) (pool *sql.DB, prepared *int, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "statements.db")
	connector, err := sqlite.NewConnector(sqliteURL(path, "immediate", writeMode, "journal_mode(WAL)"))
	if err != nil {
		t.Fatal(err)
	}
	c := &counting{Connector: connector}
	pool = sql.OpenDB(keeper{c})
	pool.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = pool.Close() })
	if _, err := pool.ExecContext(t.Context(), "CREATE TABLE numbers (n INTEGER); INSERT INTO numbers VALUES (1), (2), (3)"); err != nil {
		t.Fatal(err)
	}
	c.prepared = 0
	return pool, &c.prepared, path
}

func TestStatementsAreKept(t *testing.T) {
	t.Parallel()
	pool, prepared, path := keepingPool(t)
	for want := range int64(5) {
		if _, err := pool.ExecContext(t.Context(), "INSERT INTO numbers VALUES ($1)", 4+want); err != nil {
			t.Fatal(err)
		}
		var n int64
		if err := pool.QueryRowContext(t.Context(), "SELECT n FROM numbers WHERE n > $1", 3+want).Scan(&n); err != nil || n != 4+want {
			t.Errorf("read %d, %v, want %d", n, err, 4+want)
		}
	}
	if *prepared != 2 {
		t.Errorf("%d statements were prepared, want 2", *prepared)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("the file is still open")
	}
}

// A statement whose rows are still being read is not run a second time.
func TestStatementWithinItself(t *testing.T) {
	t.Parallel()
	pool, _, _ := keepingPool(t)
	const query = "SELECT n FROM numbers WHERE n >= $1 ORDER BY n"
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	read := func(from int, each func(n int)) {
		t.Helper()
		rows, err := tx.QueryContext(t.Context(), query, from)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			each(n)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	read(1, func(n int) { read(n, func(m int) { total += m }) })
	if total != 6+5+3 {
		t.Errorf("the sum is %d, want 14", total)
	}
}

// A statement that fails can be run again.
func TestStatementAfterAnError(t *testing.T) {
	t.Parallel()
	pool, _, _ := keepingPool(t)
	if _, err := pool.ExecContext(t.Context(), "CREATE UNIQUE INDEX once ON numbers (n)"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		n    int
		okay bool
	}{{1, false}, {4, true}, {4, false}, {5, true}} {
		if _, err := pool.ExecContext(t.Context(), "INSERT INTO numbers VALUES ($1)", test.n); (err == nil) != test.okay {
			t.Errorf("%d: %v", test.n, err)
		}
	}
	if _, err := pool.ExecContext(t.Context(), "INSERT INTO numbrs VALUES ($1)", 1); err == nil {
		t.Error("a table that does not exist was written")
	}
}
