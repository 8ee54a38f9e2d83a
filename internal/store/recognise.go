package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"sshkeybot/internal/access"
)

// applicationID marks a SQLite file as a ledger of ours: "sshk" (SQLite, «Database File
// Format», application ID).
const applicationID = 0x7373686b

// The header of a SQLite file, as far as it matters here.
const (
	headerSize          = 100
	headerMagic         = "SQLite format 3\x00"
	headerApplicationID = 68
)

// Recognise returns an *access.Error with code Invalid if a SQLite URL names a file that is
// neither a ledger nor empty, such as the database of another program. It only reads. For
// PostgreSQL it returns nil.
func Recognise(ctx context.Context, databaseURL string) error {
	path, isFile := strings.CutPrefix(databaseURL, "sqlite:")
	if !isFile {
		return nil
	}
	_, err := recognise(ctx, path)
	return err
}

// recognise returns an error unless the path is that of a ledger, or of no file or an empty
// one: then empty is true. It only reads, takes no lock and creates nothing, so that the
// file of another program stays as it is.
func recognise(ctx context.Context, path string) (empty bool, err error) {
	empty, what, err := look(ctx, path)
	if what != "" {
		err = cannotOpen(access.Invalid, fmt.Sprintf("%s %s, so it was left as it is. Set SSHKEYBOT_DATABASE_URL to the bot's own file, or to one that does not exist yet.", path, what), nil)
	}
	return empty, err
}

// look is recognise, but returns a clause about what is no ledger instead of an error.
func look(ctx context.Context, path string) (empty bool, what string, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, "", nil
	case err != nil:
		return false, "", cannotOpen(access.Unavailable, "The database file cannot be used: "+reason(err)+".", err)
	case info.IsDir():
		return false, "is a folder", nil
	case !info.Mode().IsRegular():
		return false, "is not a regular file", nil
	}
	header, err := readHeader(path)
	switch {
	case err != nil:
		return false, "", cannotOpen(access.Unavailable, "The database file cannot be used: "+reason(err)+".", err)
	case len(header) == 0:
		return true, "", nil
	case len(header) < headerSize || string(header[:len(headerMagic)]) != headerMagic:
		return false, "is not a SQLite database", nil
	}
	switch binary.BigEndian.Uint32(header[headerApplicationID:]) {
	case applicationID:
		return false, "", nil
	case 0:
		what, err = lookAtTables(ctx, path)
		return false, what, err
	}
	return false, "is the database of another program", nil
}

func readHeader(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, headerSize))
}

// lookAtTables recognises a ledger by its tables that was made before ledgers had an
// application ID. If it is new, they may still be in the write-ahead log alone.
func lookAtTables(ctx context.Context, path string) (what string, err error) {
	all, ours, err := tables(ctx, path, immutableMode)
	if (err != nil || all == 0) && hasWAL(path) {
		all, ours, err = tables(ctx, path, readMode)
	}
	switch {
	case err != nil:
		return "", cannotOpen(access.Unavailable, fmt.Sprintf("The database file %s cannot be read.", path), err)
	case all == 0:
		return "is an empty database that this program has not made", nil
	case ours < typicalTables:
		return "is the database of another program", nil
	}
	return "", nil
}

// typicalTables is the number of tables by which tables recognises a ledger.
const typicalTables = 4

// tables counts the tables of a SQLite file, and those among them that every ledger has.
func tables(ctx context.Context, path, mode string) (all, ours int, err error) {
	db, err := sql.Open("sqlite", sqliteURL(path, "deferred", mode))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = db.Close() }()
	const count = "SELECT COUNT(*), COUNT(CASE WHEN name IN ('goose_db_version', 'placements', 'drawings', 'audit') THEN 1 END) FROM sqlite_master WHERE type = 'table'"
	err = db.QueryRowContext(ctx, count).Scan(&all, &ours)
	return all, ours, err
}

// mark sets the application ID of the file. The caller must hold its lock.
func mark(ctx context.Context, path string) error {
	if header, err := readHeader(path); err == nil && len(header) == headerSize && binary.BigEndian.Uint32(header[headerApplicationID:]) == applicationID {
		return nil
	}
	db, err := sql.Open("sqlite", sqliteURL(path, "immediate", writeMode))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return errors.Join(err, db.Close())
}
