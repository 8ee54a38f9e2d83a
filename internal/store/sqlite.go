package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"sshkeybot/internal/access"
)

// readers is how many read transactions may run beside the writer.
const readers = 4

type sqliteDB struct {
	write  *sql.DB // one connection, shared with River
	pool   *sql.DB // read only
	lock   *os.File
	client *river.Client[*sql.Tx]

	writing, reading *statements
}

func openSQLite(ctx context.Context, path string, o Options) (database, error) {
	if err := namesFile(path); err != nil {
		return nil, err
	}
	if _, err := recognise(ctx, path); err != nil {
		return nil, err
	}
	path, err := prepareFile(path)
	if err != nil {
		return nil, cannotOpen(access.Unavailable, "The database file cannot be used: "+reason(err)+".", err)
	}
	db := &sqliteDB{}
	if db.lock, err = lockFile(path+lockSuffix, o.Replica); err != nil {
		return nil, err
	}
	if err := db.open(ctx, path, o); err != nil {
		db.close()
		if _, ok := errors.AsType[*access.Error](err); ok {
			return nil, err
		}
		return nil, cannotOpen(access.Unavailable, fmt.Sprintf("The database file %s cannot be opened.", path), err)
	}
	return db, nil
}

// namesFile refuses what SQLite itself takes for something else than the path of a file.
func namesFile(path string) error {
	if strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:") {
		return cannotOpen(access.Invalid, "The database URL must be sqlite: and the path of a file; a ledger in memory would forget who has access.", nil)
	}
	return nil
}

// reason leaves out the operation that failed, which says nothing to an operator.
func reason(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Path + ": " + e.Err.Error()
	}
	return err.Error()
}

// prepareFile makes sure that the file is there and readable by its owner alone,
// and answers its real path, so that two names of one file share a lock.
func prepareFile(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names it
	if err != nil {
		return "", err
	}
	err = file.Chmod(0o600)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

const lockSuffix = ".lock"

// Holder answers the name of the replica that holds a SQLite ledger, or held it last;
// empty when none did.
func Holder(databaseURL string) string {
	path, isFile, err := File(databaseURL)
	if err != nil || !isFile {
		return ""
	}
	name, err := os.ReadFile(path + lockSuffix) //nolint:gosec // beside the file the operator names
	if err != nil {
		return ""
	}
	return string(name)
}

// lockFile takes the lock that keeps a second process away. It is a file beside
// the database, because closing any descriptor of the database itself would drop
// SQLite's own locks. The system gives it back however the process ends. It tells who
// held it last.
func lockFile(path, holder string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // beside the file the operator names
	if err != nil {
		return nil, cannotOpen(access.Unavailable, "The database file cannot be locked: "+reason(err)+".", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, cannotOpen(access.Conflict, fmt.Sprintf("Another process is using the database (it holds %s). "+
			"Stop it first, or use PostgreSQL for several processes.", path), err)
	}
	if err := errors.Join(file.Truncate(0), second(file.WriteAt([]byte(holder), 0))); err != nil {
		_ = file.Close()
		return nil, cannotOpen(access.Unavailable, "The database file cannot be locked: "+reason(err)+".", err)
	}
	return file, nil
}

func second[T any](_ T, err error) error { return err }

func (db *sqliteDB) open(ctx context.Context, path string, o Options) (err error) {
	if err := mark(ctx, path); err != nil {
		return err
	}
	if db.write, err = sql.Open("sqlite", sqliteURL(path, "immediate", writeMode, "journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)")); err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	if err := migrate(ctx, db.write, goose.DialectSQLite3, "sqlite", riversqlite.New(db.write), o); err != nil {
		return err
	}
	if db.pool, err = sql.Open("sqlite", sqliteURL(path, "deferred", writeMode, "query_only(1)")); err != nil {
		return err
	}
	db.pool.SetMaxOpenConns(readers)
	db.writing, db.reading = newStatements(db.write), newStatements(db.pool)
	db.client, err = river.NewClient(riversqlite.New(db.write), &river.Config{Logger: o.Log})
	return err
}

// How SQLite opens a file: to write it; to read it beside others; and to read it as it
// is, without a lock and without making the files that reading beside others needs.
const (
	writeMode = "mode=rwc"
	readMode  = "mode=ro"
	asItIs    = "immutable=1"
)

// restMode is the mode that changes nothing: beside a file at rest nothing is made.
func restMode(path string) string {
	if hasLog(path) {
		return readMode
	}
	return asItIs
}

// hasLog reports whether some process has the file open, or died with it open.
func hasLog(path string) bool {
	_, err := os.Stat(path + "-wal")
	return err == nil
}

// sqliteURL writes the settings with which every connection opens. Writers begin
// as such: a transaction that reads first and then writes fails under load. What
// SQLite puts aside stays in memory: a container need not have a directory for
// temporary files, without which a large change would fail.
func sqliteURL(path, begin, mode string, pragmas ...string) string {
	name, value, _ := strings.Cut(mode, "=")
	query := url.Values{
		name:           {value},
		"_txlock":      {begin},
		"_timezone":    {"UTC"},
		"_time_format": {"sqlite"},
		"_pragma":      append([]string{"busy_timeout(5000)", "temp_store(MEMORY)"}, pragmas...),
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

func (db *sqliteDB) update(ctx context.Context, fn func(*tx) error) error {
	return db.run(ctx, db.writing, func(t *tx) error {
		t.enqueue = func(ctx context.Context, jobs []river.InsertManyParams) error {
			_, err := db.client.InsertManyTx(ctx, t.sqlite, jobs)
			return err
		}
		return fn(t)
	})
}

func (db *sqliteDB) single(ctx context.Context, fn func(*tx) error) error {
	return db.run(ctx, db.writing, fn)
}

func (db *sqliteDB) read(ctx context.Context, fn func(*tx) error) error {
	return db.run(ctx, db.reading, fn)
}

func (*sqliteDB) run(ctx context.Context, prepared *statements, fn func(*tx) error) error {
	native, err := prepared.pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = native.Rollback() }() // does nothing after the commit
	if err := fn(&tx{querier: sqliteQuerier{native, prepared}, sqlite: native}); err != nil {
		return err
	}
	if err := native.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	prepared.prepare(ctx)
	return nil
}

func (*sqliteDB) busy(err error) bool {
	return hasCode(err, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
}

// unwritable tells of a disk that is full, broken or read-only, and of a file that is
// gone or may not be written.
func (*sqliteDB) unwritable(err error) bool {
	return hasCode(err, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
}

// hasCode reports whether SQLite answered with one of these primary codes.
func hasCode(err error, codes ...int) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && slices.Contains(codes, e.Code()&0xff) // the rest says which sort of it
}

func (db *sqliteDB) close() {
	for _, prepared := range []*statements{db.reading, db.writing} {
		if prepared != nil {
			prepared.close()
		}
	}
	for _, pool := range []*sql.DB{db.pool, db.write} {
		if pool != nil {
			_ = pool.Close()
		}
	}
	_ = db.lock.Close() // the lock goes last, and with it the descriptor
}
