package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"sshkeybot/internal/access"
)

// OpenReadOnly opens a ledger while another process may be working on it. It creates and
// migrates nothing, and takes no lock of ours; an Update that writes fails. A SQLite file
// that no process has open is read without making a file beside it. The error is an
// *access.Error with the codes of Open, and NotFound if there is no ledger yet.
func OpenReadOnly(ctx context.Context, databaseURL string) (*Store, error) {
	path, isFile, err := File(databaseURL)
	if err != nil {
		return nil, cannotOpen(access.Unavailable, "There is no database file to read.", err)
	}
	if !isFile {
		return openPostgresReadOnly(ctx, databaseURL)
	}
	empty, err := recognise(ctx, path)
	if err != nil {
		return nil, err
	}
	if empty {
		return nil, neverRun()
	}
	unreadable := func(error) string { return fmt.Sprintf("The database file %s cannot be read.", path) }
	pool, err := openPool(sqliteURL(path, "deferred", readModeOf(path), "query_only(1)"), readers)
	if err != nil {
		return nil, cannotOpen(access.Unavailable, unreadable(err), err)
	}
	exists := pool.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'drawings')")
	if err = mustExist(exists, unreadable); err == nil {
		err = readable(sqliteCatalog().check(func(sql string) scanner { return pool.QueryRowContext(ctx, sql) }), unreadable)
	}
	if err != nil {
		_ = pool.Close()
		return nil, err
	}
	return &Store{path: path, db: &sqliteDB{pool: pool, write: pool}}, nil
}

func openPostgresReadOnly(ctx context.Context, databaseURL string) (*Store, error) {
	config, err := postgresConfig(databaseURL, Options{})
	if err != nil {
		// The parser's own error quotes the URL.
		return nil, cannotOpen(access.Invalid, "The database URL is not a valid postgres:// URL.", nil)
	}
	// A setting of the session, not of its start, so that TakesWrites can still see what the
	// server has for others.
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET default_transaction_read_only = on")
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, cannotOpen(access.Unavailable, connectMessage(err), err)
	}
	if err = mustExist(pool.QueryRow(ctx, "SELECT to_regclass('drawings') IS NOT NULL"), connectMessage); err == nil {
		err = readable(postgresCatalog().check(func(sql string) scanner { return pool.QueryRow(ctx, sql) }), connectMessage)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &Store{db: &postgresDB{pool: pool}}, nil
}

// mustExist returns an error unless the row says that the ledger's tables exist.
func mustExist(row scanner, unreadable func(error) string) error {
	var exist bool
	switch err := row.Scan(&exist); {
	case err != nil:
		return cannotOpen(access.Unavailable, unreadable(err), err)
	case !exist:
		return neverRun()
	}
	return nil
}

// readable returns err with a sentence, if it has none.
func readable(err error, unreadable func(error) string) error {
	if _, ok := errors.AsType[*access.Error](err); ok || err == nil {
		return err
	}
	return cannotOpen(access.Unavailable, unreadable(err), err)
}

func neverRun() error {
	return cannotOpen(access.NotFound, "The database has no tables of the bot yet: it has never run on it.", nil)
}

// File returns the path of the file that a database URL names, absolute and without symbolic
// links; isFile is false for PostgreSQL. If there is no such file, the error is that of
// os.Stat: a path with a wrong folder must not look like an empty ledger.
func File(databaseURL string) (path string, isFile bool, err error) {
	path, isFile = strings.CutPrefix(databaseURL, "sqlite:")
	if !isFile {
		return "", false, nil
	}
	if _, err := os.Stat(path); err != nil {
		return path, true, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return path, true, err
	}
	path, err = filepath.Abs(path)
	return path, true, err
}

// Name returns a name for the ledger that a database URL names: a hash, which contains
// neither path nor password. Two URLs of the same ledger have the same name.
func Name(databaseURL string) string {
	place, isFile, err := File(databaseURL)
	switch {
	case isFile && err != nil: // it does not exist yet
		if whole, err := filepath.Abs(place); err == nil {
			place = whole
		}
	case !isFile:
		if config, err := pgconn.ParseConfig(databaseURL); err == nil {
			place = fmt.Sprintf("%s:%d/%s %s", config.Host, config.Port, config.Database, config.RuntimeParams["search_path"])
		}
	}
	sum := sha256.Sum256([]byte(place))
	return hex.EncodeToString(sum[:8])
}

// TakesWrites returns nil if the ledger seems to be writable for us, as far as that can be
// found out without writing, and otherwise why it is not.
func (s *Store) TakesWrites(ctx context.Context) error {
	if db, ok := s.db.(*postgresDB); ok {
		var takes bool
		const may = `SELECT NOT pg_is_in_recovery() AND has_table_privilege('flags', 'INSERT') AND
			(SELECT reset_val = 'off' FROM pg_settings WHERE name = 'default_transaction_read_only')`
		if err := db.pool.QueryRow(ctx, may).Scan(&takes); err != nil || takes {
			return err
		}
		return unwritable(nil)
	}
	return errors.Join(unix.Access(s.path, unix.W_OK), unix.Access(filepath.Dir(s.path), unix.W_OK|unix.X_OK))
}

// Others returns the names of the other replicas that are running. On SQLite there are none:
// the file's lock keeps them away.
func (s *Store) Others(ctx context.Context) ([]string, error) {
	db, ok := s.db.(*postgresDB)
	if !ok {
		return nil, nil
	}
	if _, err := s.ReleaseDead(ctx); err != nil {
		return nil, err
	}
	return db.others(ctx, s.replica)
}
