package store

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"

	"sshkeybot/internal/access"
)

// Options are the settings of Open.
type Options struct {
	Replica string           // name of this process; no two processes that run at the same time may share it
	Log     *slog.Logger     // nil for none
	Now     func() time.Time // nil is time.Now
	Timed   func(Timing)     // called after each transaction; nil for none
	Schema  string           // PostgreSQL only, for tests: an existing schema; empty is that of the URL
}

//go:embed migrations
var migrations embed.FS

// Open opens the ledger that the URL names, sqlite:PATH or postgres://…, and migrates its
// tables. Its error is an *access.Error with one of these codes: Conflict if another process
// holds the SQLite file or this replica's name, Invalid if the URL is wrong or names
// something that is no ledger, Unavailable if the database cannot be used at the moment. No
// error contains the URL's password.
func Open(ctx context.Context, databaseURL string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{replica: o.Replica, schema: o.Schema, now: o.Now, timed: o.Timed}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	switch {
	case o.Replica == "":
		return nil, &access.Error{Code: access.Invalid, Op: "open ledger", Message: "This process needs a replica name."}
	case strings.HasPrefix(databaseURL, "sqlite:"):
		s.db, err = openSQLite(ctx, strings.TrimPrefix(databaseURL, "sqlite:"), o)
	case strings.HasPrefix(databaseURL, "postgres://"), strings.HasPrefix(databaseURL, "postgresql://"):
		s.db, err = openPostgres(ctx, databaseURL, o)
	default:
		return nil, &access.Error{Code: access.Invalid, Op: "open ledger", Message: "The database URL must start with sqlite: or postgres://."}
	}
	if err != nil {
		return nil, err
	}
	if err := s.identify(ctx); err != nil {
		s.Close()
		return nil, cannotOpen(access.Unavailable, "The ledger has no id yet, and none can be written to it.", err)
	}
	return s, nil
}

// identify gives a new ledger its ID. It looks again inside the update: another replica that
// opens the new ledger at the same time may have given it one meanwhile.
func (s *Store) identify(ctx context.Context) error {
	known := false
	look := func(t access.Tx) error {
		id, err := t.Flag(ctx, access.FlagLedgerID)
		known = id != ""
		return err
	}
	if err := s.Read(ctx, look); err != nil || known {
		return err
	}
	return s.Update(ctx, func(t access.Tx) error {
		if err := look(t); err != nil || known {
			return err
		}
		return t.SetFlag(ctx, access.FlagLedgerID, access.NewLedgerID())
	})
}

// migrate migrates our tables and River's. The caller must hold a lock: of two processes
// that migrate an empty database at once, one would fail.
func migrate[TTx any](ctx context.Context, db *sql.DB, dialect goose.Dialect, folder string, driver riverdriver.Driver[TTx], o Options) error {
	tables := sqliteCatalog()
	if dialect == goose.DialectPostgres {
		tables = postgresCatalog()
	}
	if err := tables.check(func(sql string) scanner { return db.QueryRowContext(ctx, sql) }); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return err
	}
	own, err := goose.NewProvider(dialect, db, files)
	if err != nil {
		return err
	}
	if _, err := own.Up(ctx); err != nil {
		return err
	}
	rivers, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: o.Log, Schema: o.Schema})
	if err != nil {
		return err
	}
	_, err = rivers.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// cannotOpen returns the error for a database that cannot be used.
func cannotOpen(code access.Code, message string, err error) error {
	return &access.Error{Code: code, Op: "open ledger", Message: message, Err: err}
}
