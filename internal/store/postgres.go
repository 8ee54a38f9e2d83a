package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"sshkeybot/internal/access"
	"sshkeybot/internal/lock"
)

const (
	// leastConns is enough for River's listener and elector, the writer and some readers at
	// the same time.
	leastConns = 10
	// idleInTransaction ends the session of a replica that was paused in the middle of an
	// update: while it holds the lock, no other replica can write.
	idleInTransaction = "15s"
	connectTimeout    = 10 * time.Second
	rollbackTimeout   = 5 * time.Second
)

// SQLSTATE codes, PostgreSQL manual, appendix A.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	wrongPassword        = "28P01"
	notAuthorized        = "28000"
	noSuchDatabase       = "3D000"
	readOnly             = "25006"
	diskFull             = "53100"
)

type postgresDB struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
	schema string
	lease  *lease
	writer lock.Mutex

	leading *pgx.Conn // the session of TryLead; nil while this process does not lead
}

func openPostgres(ctx context.Context, databaseURL string, o Options) (database, error) {
	config, err := postgresConfig(databaseURL, o)
	if err != nil {
		// The parser's own error quotes the URL.
		return nil, cannotOpen(access.Invalid, "The database URL is not a valid postgres:// URL.", nil)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, cannotOpen(access.Unavailable, connectMessage(err), err)
	}
	db := &postgresDB{pool: pool, schema: o.Schema}
	if err := db.open(ctx, o); err != nil {
		db.close()
		if _, ok := errors.AsType[*access.Error](err); ok {
			return nil, err
		}
		return nil, cannotOpen(access.Unavailable, connectMessage(err), err)
	}
	return db, nil
}

func postgresConfig(databaseURL string, o Options) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	config.MaxConns = max(config.MaxConns, leastConns)
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	parameters := config.ConnConfig.RuntimeParams
	parameters["timezone"] = "UTC"
	parameters["idle_in_transaction_session_timeout"] = idleInTransaction
	if o.Schema != "" {
		parameters["search_path"] = o.Schema
	}
	return config, nil
}

func connectMessage(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case wrongPassword, notAuthorized:
			return "PostgreSQL refuses the user or the password of the database URL."
		case noSuchDatabase:
			return "PostgreSQL has no database of the name in the database URL."
		}
		return "PostgreSQL answered that the ledger cannot be opened."
	}
	return "PostgreSQL cannot be reached. Check host and port of the database URL, and that the server is running."
}

func (db *postgresDB) open(ctx context.Context, o Options) (err error) {
	if err := db.migrate(ctx, o); err != nil {
		return err
	}
	// This client only inserts jobs. It notifies workers at most once in a FetchCooldown, so
	// the shortest one has them start the soonest.
	db.client, err = river.NewClient(riverpgxv5.New(db.pool), &river.Config{
		FetchCooldown: river.FetchCooldownMin, Logger: o.Log, Schema: o.Schema,
	})
	if err != nil {
		return err
	}
	db.lease = &lease{config: db.pool.Config().ConnConfig, replica: o.Replica, key: db.lockKey("replica", o.Replica)}
	return db.lease.ensure(ctx)
}

func (db *postgresDB) migrate(ctx context.Context, o Options) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	key := db.lockKey("migrate", "")
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_, _ = conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", key) // a lost session has lost the lock
	}()
	handle := stdlib.OpenDBFromPool(db.pool)
	defer func() { _ = handle.Close() }() // leaves the pool open
	return migrate(ctx, handle, goose.DialectPostgres, "postgres", riverpgxv5.New(db.pool), o)
}

// lockKey returns the key of an advisory lock. Those locks are shared by the whole database,
// so the schema is part of the key.
func (db *postgresDB) lockKey(purpose, name string) int64 {
	hash := fnv.New64a()
	_, _ = fmt.Fprintf(hash, "sshkeybot\x00%s\x00%s\x00%s", db.schema, purpose, name) // a hash never fails
	return int64(hash.Sum64())                                                        //nolint:gosec // any 64 bits will do
}

// update waits for the lock of all updates, which the end of the transaction releases. At
// the level read committed, each statement after it sees what the updates before it have
// committed. Under repeatable read, the snapshot would be older than the lock, and fn would
// decide on what another update has just changed. In this process, one update at a time gets
// that far: those that wait for the lock would hold every connection of the pool, and who only
// reads, or acknowledges a click, would get none.
func (db *postgresDB) update(ctx context.Context, fn func(*tx) error) error {
	if err := db.writer.Lock(ctx); err != nil {
		return err
	}
	defer db.writer.Unlock()
	return db.run(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(t *tx) error {
		if _, err := t.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", db.lockKey("update", "")); err != nil {
			return err
		}
		t.enqueue = func(ctx context.Context, jobs []river.InsertManyParams) error {
			_, err := db.client.InsertManyTx(ctx, t.postgres, jobs)
			return err
		}
		return fn(t)
	})
}

func (db *postgresDB) single(ctx context.Context, fn func(*tx) error) error {
	return db.run(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, fn)
}

func (db *postgresDB) read(ctx context.Context, fn func(*tx) error) error {
	return db.run(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}

func (db *postgresDB) run(ctx context.Context, o pgx.TxOptions, fn func(*tx) error) error {
	native, err := db.pool.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = native.Rollback(ctx) // does nothing after the commit
	}()
	if err := fn(&tx{querier: postgresQuerier{native}, postgres: native}); err != nil {
		return err
	}
	if err := native.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (*postgresDB) busy(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == serializationFailure || e.Code == deadlockDetected)
}

// unwritable reports whether an error is that of a server that accepts no writes. If it is a
// read-only one, it closes the pool's connections: each keeps what its server and its user
// were when it was opened, so after a failover, only a new one can write.
func (db *postgresDB) unwritable(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if ok && e.Code == readOnly {
		db.pool.Reset()
	}
	if _, away := errors.AsType[*pgconn.ConnectError](err); away {
		return true
	}
	return ok && (e.Code == readOnly || e.Code == diskFull)
}

func (db *postgresDB) close() {
	db.resign()
	if db.lease != nil {
		db.lease.close()
	}
	db.pool.Close()
}
