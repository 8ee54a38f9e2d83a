// Package store keeps the ledger in SQLite or in PostgreSQL, and enqueues the work
// that a change causes in the transaction of that change.
//
// One SQL text serves both databases. Updates run one at a time on both: SQLite
// has a single writer, and on PostgreSQL each update takes an advisory lock first.
// So what a use case reads in an update stays true until it commits, the audit
// chain has no gaps, and no two updates can deadlock.
package store

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"sshkeybot/internal/access"
)

var (
	_ access.Store = (*Store)(nil)
	_ access.Inbox = (*Store)(nil)
	_ access.Tx    = (*tx)(nil)
)

// Store is the ledger. It is safe for use by many goroutines.
type Store struct {
	db      database
	replica string
	schema  string
	path    string                    // of a SQLite file that was opened beside
	refused atomic.Pointer[time.Time] // when a write last failed because nothing could be written
}

// database is what differs between SQLite and PostgreSQL.
type database interface {
	// update runs fn in one transaction and commits it unless fn fails or panics.
	update(ctx context.Context, fn func(*tx) error) error
	// single is an update of one statement, which needs no place in the queue of updates.
	single(ctx context.Context, fn func(*tx) error) error
	// read runs fn on one consistent state.
	read(ctx context.Context, fn func(*tx) error) error
	// busy tells whether a transaction failed only because of another one.
	busy(err error) bool
	// unwritable reports whether an error means that nothing can be written at the moment.
	unwritable(err error) bool
	close()
}

// tx is one transaction. Work and audit events are gathered and written at its
// end, so that each is one statement in a fixed order.
type tx struct {
	querier
	sqlite   *sql.Tx
	postgres pgx.Tx
	enqueue  func(ctx context.Context, jobs []river.InsertManyParams) error // nil while reading
	work     map[access.Work]bool
	events   []access.Event
}

const (
	tries     = 8
	firstWait = 5 * time.Millisecond
)

// Update runs fn in one transaction, again from the start when the database was
// too busy; an error or a panic of fn undoes everything. After eight tries it
// answers an access.Error with code Unavailable.
func (s *Store) Update(ctx context.Context, fn func(access.Tx) error) error {
	return s.retry(ctx, func() error {
		return s.db.update(ctx, func(t *tx) error {
			if err := fn(t); err != nil {
				return err
			}
			return t.flush(ctx)
		})
	})
}

// Read runs fn on one consistent state; what it tries to write fails.
func (s *Store) Read(ctx context.Context, fn func(access.Tx) error) error {
	return s.retry(ctx, func() error {
		return s.db.read(ctx, func(t *tx) error { return fn(t) })
	})
}

func (s *Store) retry(ctx context.Context, attempt func() error) error {
	wait := firstWait
	for range tries - 1 {
		err := s.judge(attempt())
		if err == nil || !s.db.busy(err) {
			return err
		}
		if err := pause(ctx, wait+rand.N(wait)); err != nil { //nolint:gosec // only spreads retries
			return err
		}
		wait *= 2
	}
	err := s.judge(attempt())
	if err != nil && s.db.busy(err) {
		return &access.Error{Code: access.Unavailable, Op: "ledger", Message: "The ledger is busy. Please try again in a moment.", Err: err}
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// flush writes what the transaction has gathered, the audit events last.
func (t *tx) flush(ctx context.Context) error {
	if err := t.flushWork(ctx); err != nil {
		return err
	}
	return t.flushEvents(ctx)
}

// Close gives everything back. Transactions must have ended.
func (s *Store) Close() { s.db.close() }

// Schema answers the PostgreSQL schema that was asked for; empty is the usual one.
func (s *Store) Schema() string { return s.schema }

// Replica answers the name of this process among several.
func (s *Store) Replica() string { return s.replica }

// SQLite answers the write handle, which has a single connection, and nil on
// PostgreSQL. Inside an Update nothing may be asked of it: that would wait for ever.
func (s *Store) SQLite() *sql.DB {
	if db, ok := s.db.(*sqliteDB); ok {
		return db.write
	}
	return nil
}

// Postgres answers the pool, and nil on SQLite.
func (s *Store) Postgres() *pgxpool.Pool {
	if db, ok := s.db.(*postgresDB); ok {
		return db.pool
	}
	return nil
}

// NativeSQLite answers the transaction beneath t, and nil when it is on PostgreSQL.
func NativeSQLite(t access.Tx) *sql.Tx {
	if own, ok := t.(*tx); ok {
		return own.sqlite
	}
	return nil
}

// NativePostgres answers the transaction beneath t, and nil when it is on SQLite.
func NativePostgres(t access.Tx) pgx.Tx {
	if own, ok := t.(*tx); ok {
		return own.postgres
	}
	return nil
}
