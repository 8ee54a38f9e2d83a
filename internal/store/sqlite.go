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
	"sshkeybot/internal/lock"
)

// readers is how many read transactions may run beside the writer.
const readers = 4

type sqliteDB struct {
	write  *sql.DB // one connection, shared with River
	pool   *sql.DB // read only
	lock   *os.File
	client *river.Client[*sql.Tx]

	// writer is held by who writes, but for River: an acknowledgement of a click goes before what a
	// hundred workers did.
	writer lock.Mutex
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

// namesFile returns an error if SQLite would not take the path for that of a file.
func namesFile(path string) error {
	if strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:") {
		return cannotOpen(access.Invalid, "The database URL must be sqlite: and the path of a file; a ledger in memory would forget who has access.", nil)
	}
	return nil
}

// reason returns the text of an error without the system call that failed.
func reason(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Path + ": " + e.Err.Error()
	}
	return err.Error()
}

// prepareFile creates the file unless it exists, lets nobody but its owner read it, and
// returns its absolute path without symbolic links: two names of one file share a lock.
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

// Holder returns the name of the replica that has a SQLite ledger open, or had it open last.
// It is empty if there was none, and for PostgreSQL.
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

// lockFile takes the lock that keeps a second process away, and writes the holder's name into
// it. It locks a file beside the database, because closing any descriptor of the database
// itself drops the locks that SQLite has on it (SQLite, «How To Corrupt An SQLite Database
// File», 2.2). The kernel releases it however the process ends. If root makes it, as by a command
// beside a bot that is stopped, it is the database's owner's, whose bot must be able to open it.
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
	giveToOwner(file, strings.TrimSuffix(path, lockSuffix))
	if err := errors.Join(file.Truncate(0), second(file.WriteAt([]byte(holder), 0))); err != nil {
		_ = file.Close()
		return nil, cannotOpen(access.Unavailable, "The database file cannot be locked: "+reason(err)+".", err)
	}
	return file, nil
}

// giveToOwner gives a file to the owner of the database, if we are root and may. SQLite does so with its own.
func giveToOwner(file *os.File, database string) {
	var owner unix.Stat_t
	if os.Geteuid() == 0 && unix.Stat(database, &owner) == nil {
		_ = file.Chown(int(owner.Uid), int(owner.Gid))
	}
}

func second[T any](_ T, err error) error { return err }

func (db *sqliteDB) open(ctx context.Context, path string, o Options) (err error) {
	if err := mark(ctx, path); err != nil {
		return err
	}
	writing := sqliteURL(path, "immediate", writeMode, "journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)")
	if err := migrateFile(ctx, writing, o); err != nil {
		return err
	}
	if db.write, err = openPool(writing, 1); err != nil {
		return err
	}
	if db.pool, err = openPool(sqliteURL(path, "deferred", writeMode, "query_only(1)"), readers); err != nil {
		return err
	}
	db.client, err = river.NewClient(riversqlite.New(db.write), &river.Config{Logger: o.Log})
	return err
}

// migrateFile migrates the tables over a connection of its own, whose statements are run once.
func migrateFile(ctx context.Context, url string, o Options) error {
	once, err := sql.Open("sqlite", url)
	if err != nil {
		return err
	}
	once.SetMaxOpenConns(1)
	err = migrate(ctx, once, goose.DialectSQLite3, "sqlite", riversqlite.New(once), o)
	return errors.Join(err, once.Close())
}

// The modes in which SQLite opens a file (SQLite, «Uniform Resource Identifiers»).
const (
	writeMode     = "mode=rwc"
	existingMode  = "mode=rw"     // makes no new one
	readMode      = "mode=ro"     // others may write; makes the files that this needs
	immutableMode = "immutable=1" // nobody writes; takes no lock and makes no file
)

// readModeOf returns the mode in which to read a file without making another beside it.
func readModeOf(path string) string {
	if hasWAL(path) {
		return readMode
	}
	return immutableMode
}

// hasWAL reports whether the file has a write-ahead log: some process has it open, or died
// with it open.
func hasWAL(path string) bool {
	_, err := os.Stat(path + "-wal")
	return err == nil
}

// sqliteURL returns the URL for sql.Open, with the settings of every connection. A writer
// needs begin "immediate": a deferred transaction that reads before it writes fails if
// another one has written in between. Temporary tables are kept in memory: without a
// directory for temporary files, as in some containers, a large change would fail.
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
	if err := db.writer.Lock(ctx); err != nil {
		return err
	}
	defer db.writer.Unlock()
	return db.run(ctx, db.write, func(t *tx) error {
		t.enqueue = func(ctx context.Context, jobs []river.InsertManyParams) error {
			_, err := db.client.InsertManyTx(ctx, t.sqlite, jobs)
			return err
		}
		return fn(t)
	})
}

func (db *sqliteDB) single(ctx context.Context, fn func(*tx) error) error {
	if err := db.writer.LockUrgent(ctx); err != nil {
		return err
	}
	defer db.writer.Unlock()
	return db.run(ctx, db.write, fn)
}

func (db *sqliteDB) read(ctx context.Context, fn func(*tx) error) error {
	return db.run(ctx, db.pool, fn)
}

func (*sqliteDB) run(ctx context.Context, pool *sql.DB, fn func(*tx) error) error {
	native, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = native.Rollback() }() // does nothing after the commit
	if err := fn(&tx{querier: sqliteQuerier{native}, sqlite: native}); err != nil {
		return err
	}
	if err := native.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (*sqliteDB) busy(err error) bool {
	return hasCode(err, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
}

// unwritable reports whether an error means that the disk is full, broken or read-only, or
// that the file is gone or may not be written.
func (*sqliteDB) unwritable(err error) bool {
	return hasCode(err, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
}

// hasCode reports whether SQLite answered with one of these primary codes.
func hasCode(err error, codes ...int) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && slices.Contains(codes, e.Code()&0xff) // the other bits are the extended code
}

func (db *sqliteDB) close() {
	for _, pool := range []*sql.DB{db.pool, db.write} {
		if pool != nil {
			_ = pool.Close()
		}
	}
	_ = db.lock.Close() // last: until now no other process may open the file
}
