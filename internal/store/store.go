// Package store keeps the ledger in SQLite or in PostgreSQL.
//
// The work that a change causes is enqueued in the transaction of that change. If the process
// dies before the commit, there is neither; after it, there are both. Nothing that has to be
// done is lost between the two.
//
// One SQL text serves both databases. Updates run one at a time on both: SQLite has a single
// writer, and on PostgreSQL each update takes an advisory lock first. So what an update has
// read stays true until it commits, also while another replica decides the same; the audit
// chain neither forks nor has gaps; and no two updates can deadlock. The inbox is written
// outside of that order, so that accepting an envelope waits for nothing.
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
	"sshkeybot/internal/delivery"
)

var (
	_ access.Store   = (*Store)(nil)
	_ access.Tx      = (*tx)(nil)
	_ delivery.Inbox = (*Store)(nil)
	_ delivery.Tx    = (*tx)(nil)
)

// Store is the ledger. It is safe for use by many goroutines.
type Store struct {
	db       database
	replica  string
	schema   string
	path     string // of a SQLite file that was opened with OpenReadOnly
	now      func() time.Time
	timed    func(Timing)
	enqueued atomic.Pointer[func(queues ...string)]
	recorded atomic.Pointer[func([]Committed)]
	split    atomic.Pointer[map[string]bool] // the targets with queues of their own; nil until SplitQueues
	refused  atomic.Pointer[time.Time]       // when a transaction last failed because the ledger could not be written
}

// database is what differs between SQLite and PostgreSQL.
type database interface {
	// update runs fn in one transaction, one update at a time, and commits it unless fn fails
	// or panics.
	update(ctx context.Context, fn func(*tx) error) error
	// single runs fn in one transaction that need not wait for other updates, since none of
	// its statements depends on what another one has read. On SQLite it waits for the one that
	// runs, and comes before all others.
	single(ctx context.Context, fn func(*tx) error) error
	// read runs fn on one consistent state.
	read(ctx context.Context, fn func(*tx) error) error
	// busy reports whether a transaction failed only because of another one: running it again
	// may succeed.
	busy(err error) bool
	// unwritable reports whether an error means that nothing can be written at the moment.
	unwritable(err error) bool
	close()
}

// tx is one transaction. It collects work and audit events, which flush writes at its end.
type tx struct {
	querier
	sqlite   *sql.Tx
	postgres pgx.Tx
	enqueue  func(ctx context.Context, jobs []river.InsertManyParams) error // nil while reading
	work     map[access.Work]bool
	split    map[string]bool // the targets that have queues of their own
	queues   []string        // those that work was put into
	events   []access.Event
	recorded []Committed      // the events with what the ledger has about them, if somebody is to be told
	now      func() time.Time // nil while reading
	after    []func()         // to be called once it has committed

	firstMove int64         // the first of the moves that it keeps; 0 for none
	sealMoves map[bool]bool // whether these, of renewals or others, get their events now
}

const (
	tries     = 8
	firstWait = 5 * time.Millisecond
)

// Update runs fn in one transaction; an error or a panic of fn undoes everything. If the
// database is busy, it runs fn again from the start. After eight tries it returns an
// *access.Error with code Unavailable.
func (s *Store) Update(ctx context.Context, fn func(access.Tx) error) error {
	return s.update(ctx, func(t *tx) error { return fn(t) })
}

func (s *Store) update(ctx context.Context, fn func(*tx) error) error {
	return s.retry(ctx, func() error {
		var done *tx
		err := s.measure(ctx, s.db.update, true, func(t *tx) error {
			t.now, done = s.now, t
			if split := s.split.Load(); split != nil {
				t.split = *split
			}
			if err := fn(t); err != nil {
				return err
			}
			if err := t.flush(ctx); err != nil || s.recorded.Load() == nil {
				return err
			}
			return t.describeAll(ctx)
		})
		if err == nil {
			s.committed(done)
		}
		return err
	})
}

// committed does what follows the commit of an update.
func (s *Store) committed(t *tx) {
	if call := s.enqueued.Load(); call != nil && len(t.queues) > 0 {
		(*call)(t.queues...)
	}
	if len(t.recorded) > 0 {
		(*s.recorded.Load())(t.recorded)
	}
	for _, call := range t.after {
		call()
	}
}

// AfterCommit implements access.Tx.
func (t *tx) AfterCommit(call func()) { t.after = append(t.after, call) }

// OnEnqueued has call called after each update that put work into queues, with their names, as
// soon as it is committed.
func (s *Store) OnEnqueued(call func(queues ...string)) { s.enqueued.Store(&call) }

// OnRecorded has call called after each update that appended to the audit log, as soon as it is
// committed, with its events: once for each event, by the process that committed it. Calls may
// overlap. There is none where the process dies right after the commit, or does not learn that it
// was one.
func (s *Store) OnRecorded(call func([]Committed)) { s.recorded.Store(&call) }

// Read runs fn on one consistent state. What fn tries to write fails.
func (s *Store) Read(ctx context.Context, fn func(access.Tx) error) error {
	return s.read(ctx, func(t *tx) error { return fn(t) })
}

func (s *Store) read(ctx context.Context, fn func(*tx) error) error {
	return s.retry(ctx, func() error { return s.measure(ctx, s.db.read, false, fn) })
}

// retry runs a transaction, and again with growing pauses while the database is busy. It does
// so only after an error that rules out that the transaction was committed: if the answer to
// the commit was lost, fn must not run twice.
func (s *Store) retry(ctx context.Context, attempt func() error) error {
	wait := firstWait
	for range tries - 1 {
		err := s.noteUnwritable(attempt())
		if err == nil || !s.db.busy(err) {
			return err
		}
		if err := pause(ctx, wait+rand.N(wait)); err != nil { //nolint:gosec // only spreads retries
			return err
		}
		wait *= 2
	}
	err := s.noteUnwritable(attempt())
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

// flush writes the work and the audit events that the transaction has collected.
func (t *tx) flush(ctx context.Context) error {
	if err := t.flushWork(ctx); err != nil {
		return err
	}
	return t.flushEvents(ctx)
}

// Close closes the database. Transactions must have ended.
func (s *Store) Close() { s.db.close() }

// Schema returns the Schema of the Options.
func (s *Store) Schema() string { return s.schema }

// Replica returns the name of this process among the replicas.
func (s *Store) Replica() string { return s.replica }

// SQLite returns the pool for writing, and nil on PostgreSQL. It has a single connection, so
// using it inside an Update waits for ever.
func (s *Store) SQLite() *sql.DB {
	if db, ok := s.db.(*sqliteDB); ok {
		return db.write
	}
	return nil
}

// Postgres returns the pool of connections, and nil on SQLite.
func (s *Store) Postgres() *pgxpool.Pool {
	if db, ok := s.db.(*postgresDB); ok {
		return db.pool
	}
	return nil
}

// NativeSQLite returns the database's own transaction of t, and nil on PostgreSQL.
func NativeSQLite(t access.Tx) *sql.Tx {
	if own, ok := t.(*tx); ok {
		return own.sqlite
	}
	return nil
}

// NativePostgres returns the database's own transaction of t, and nil on SQLite.
func NativePostgres(t access.Tx) pgx.Tx {
	if own, ok := t.(*tx); ok {
		return own.postgres
	}
	return nil
}
