package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sshkeybot/internal/access"
)

// Backup copies the SQLite ledger at a path to a file that must not exist, for its owner
// alone, and proves that the copy is a whole ledger. It may run beside a bot, which it does
// not keep from writing. If it returns an error, there is no such file.
//
// It uses VACUUM INTO: one read transaction, so what is written meanwhile is simply not in
// the copy, where SQLite's backup API would begin again with every write of another process;
// and nothing that was deleted is in it.
func Backup(ctx context.Context, path, to string) error {
	if _, err := recognise(ctx, path); err != nil {
		return err
	}
	to, err := filepath.Abs(to) // so that SQLite takes it for a path, whatever it begins with
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names it
	switch {
	case errors.Is(err, fs.ErrExist):
		return &access.Error{Code: access.Conflict, Op: "backup", Message: to + " exists already, and a backup replaces nothing. Name a file that does not exist."}
	case err != nil:
		return cannotCopy("The backup cannot be made: "+reason(err)+".", err)
	}
	if err = errors.Join(vacuumInto(ctx, path, to), file.Sync(), file.Close()); err == nil {
		err = checkCopy(ctx, to)
	}
	if err = errors.Join(err, syncFolder(to)); err == nil {
		return nil
	}
	_, _ = os.Remove(to), os.Remove(to+"-journal") // which SQLite leaves behind on a full disk
	if _, ok := errors.AsType[*access.Error](err); ok || ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return cannotCopy("The backup could not be written whole, so it was removed again. See whether there is room in "+filepath.Dir(to)+".", err)
}

func cannotCopy(message string, err error) error {
	return &access.Error{Code: access.Unavailable, Op: "backup", Message: message, Err: err}
}

// vacuumInto may write beside the ledger: where no bot has it open, SQLite makes its write-ahead
// log, and deletes it again, which it does not for who may only read.
func vacuumInto(ctx context.Context, path, to string) error {
	db, err := sql.Open("sqlite", sqliteURL(path, "deferred", existingMode))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", to)
	return errors.Join(err, db.Close())
}

// checkCopy returns an error unless a file that nobody writes is a ledger and SQLite finds
// no fault in it.
func checkCopy(ctx context.Context, path string) error {
	empty, what, err := look(ctx, path)
	switch {
	case err != nil:
		return err
	case empty:
		what = "is empty or does not exist"
	}
	if what != "" {
		return &access.Error{Code: access.Invalid, Op: "copy", Message: path + " " + what + ", so it is no copy of a ledger."}
	}
	db, err := sql.Open("sqlite", sqliteURL(path, "deferred", readModeOf(path)))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil || found != "ok" {
		return &access.Error{Code: access.Invalid, Op: "copy", Message: path + " is damaged: it is not the whole copy of a ledger.", Err: errors.Join(err, errors.New(found))}
	}
	return sqliteCatalog().check(func(sql string) scanner { return db.QueryRowContext(ctx, sql) })
}

// syncFolder has the folder of a path kept through a loss of power, with the names in it.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Dump returns the line that makes a copy of a PostgreSQL ledger, and Undump the one that puts
// it in place. Neither contains the URL's password.
func Dump(databaseURL, file string) string {
	place, schema := forLibpq(databaseURL)
	return "pg_dump --format=custom" + schema + " --file=" + quote(file) + " " + place
}

// Undump returns the line that puts in place what Dump has copied.
func Undump(databaseURL, file string) string {
	place, schema := forLibpq(databaseURL)
	return "pg_restore --clean --if-exists --no-owner --single-transaction" + schema + " --dbname=" + place + " " + quote(file)
}

// libpqParameters are those parameters of a URL that PostgreSQL's own programs need, and know.
var libpqParameters = []string{"host", "port", "user", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey"}

// forLibpq returns the URL as PostgreSQL's own programs take it, without the password, and the
// option that names the schema, if it names one.
func forLibpq(databaseURL string) (place, schema string) {
	address, err := url.Parse(databaseURL)
	if err != nil {
		return "postgres://…", ""
	}
	query := address.Query()
	if path := query.Get("search_path"); path != "" {
		first, _, _ := strings.Cut(path, ",")
		schema = " --schema=" + quote(first)
	}
	for name := range query {
		if !slices.Contains(libpqParameters, name) {
			query.Del(name)
		}
	}
	address.RawQuery = query.Encode()
	if address.User != nil {
		address.User = url.User(address.User.Username())
	}
	return quote(address.String()), schema
}

// quote returns a word as a shell takes it for one.
func quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Size returns how many bytes a file has, as people read it.
func Size(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	const mebi = 1 << 20
	if info.Size() < mebi {
		return fmt.Sprintf("%d KiB", (info.Size()+1023)>>10), nil
	}
	return fmt.Sprintf("%.1f MiB", float64(info.Size())/mebi), nil
}
