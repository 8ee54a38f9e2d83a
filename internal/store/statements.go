package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// What a connection keeps. Statements with many parameters are not kept: their text varies with
// the data.
const (
	mostStatements = 256
	mostParameters = 40
)

// openPool returns a pool of so many connections to a SQLite file, each of which keeps the
// statements that it has run: parsing one costs SQLite as much as running it, and River, which
// shares the pool, prepares none. For that reason the connections stay open.
func openPool(url string, connections int) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(url)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(keeper{connector})
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool, nil
}

// keeper makes connections that keep their statements.
type keeper struct{ driver.Connector }

func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	native, ok := opened.(nativeConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a connection of %T cannot keep statements", k.Driver()), opened.Close())
	}
	return &conn{nativeConn: native, kept: map[string]*statement{}}, nil
}

// nativeConn is a connection of the driver.
type nativeConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// nativeStmt is a prepared statement of the driver.
type nativeStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// conn is a connection that keeps its statements.
type conn struct {
	nativeConn

	kept map[string]*statement
}

type statement struct {
	nativeStmt

	reading bool // its rows are not closed yet
}

// statement returns the kept statement of a query. The error driver.ErrSkip has database/sql prepare
// one that is not kept.
func (c *conn) statement(ctx context.Context, query string, args int) (*statement, error) {
	if s := c.kept[query]; s != nil {
		if s.reading {
			return nil, driver.ErrSkip
		}
		return s, nil
	}
	if args > mostParameters || len(c.kept) >= mostStatements {
		return nil, driver.ErrSkip
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	native, ok := prepared.(nativeStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a statement of %T cannot be kept", prepared), prepared.Close())
	}
	s := &statement{nativeStmt: native}
	c.kept[query] = s
	return s, nil
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query, len(args))
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query, len(args))
	if err != nil {
		return nil, err
	}
	found, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.reading = true
	return &keptRows{found, s}, nil
}

// Close closes the statements, too: SQLite keeps the file open as long as there are any.
func (c *conn) Close() error {
	var all []error
	for _, s := range c.kept {
		all = append(all, s.Close())
	}
	return errors.Join(append(all, c.nativeConn.Close())...)
}

// keptRows are rows of a kept statement.
type keptRows struct {
	driver.Rows

	of *statement
}

func (r *keptRows) Close() error {
	r.of.reading = false
	return r.Rows.Close()
}
