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

// Recognise refuses a SQLite URL whose file is no ledger and may not become one, with
// code Invalid. It only reads; PostgreSQL has no file.
func Recognise(ctx context.Context, databaseURL string) error {
	path, isFile := strings.CutPrefix(databaseURL, "sqlite:")
	if !isFile {
		return nil
	}
	_, err := recognise(ctx, path)
	return err
}

// recognise refuses a path that is no ledger of ours and that no ledger may become. It
// only reads, and neither locks nor makes anything, so that a file of another program
// stays as it is. That there is no file, or an empty one, is fine: empty is then true.
func recognise(ctx context.Context, path string) (empty bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, cannotOpen(access.Unavailable, "The database file cannot be used: "+reason(err)+".", err)
	case info.IsDir():
		return false, foreign(path, "is a folder")
	case !info.Mode().IsRegular():
		return false, foreign(path, "is not a regular file")
	}
	header, err := readHeader(path)
	switch {
	case err != nil:
		return false, cannotOpen(access.Unavailable, "The database file cannot be used: "+reason(err)+".", err)
	case len(header) == 0:
		return true, nil
	case len(header) < headerSize || string(header[:len(headerMagic)]) != headerMagic:
		return false, foreign(path, "is not a SQLite database")
	}
	switch binary.BigEndian.Uint32(header[headerApplicationID:]) {
	case applicationID:
		return false, nil
	case 0:
		return false, recogniseTables(ctx, path)
	}
	return false, foreign(path, "is the database of another program")
}

func foreign(path, what string) error {
	return cannotOpen(access.Invalid, fmt.Sprintf("%s %s, so it was left as it is. Set SSHKEYBOT_DATABASE_URL to the bot's own file, or to one that does not exist yet.", path, what), nil)
}

func readHeader(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, headerSize))
}

// recogniseTables knows a ledger by its tables that was made before ledgers were marked.
// The tables of one that was made just now may still be in the log beside it.
func recogniseTables(ctx context.Context, path string) error {
	all, ours, err := tables(ctx, path, asItIs)
	if (err != nil || all == 0) && hasLog(path) {
		all, ours, err = tables(ctx, path, readMode)
	}
	switch {
	case err != nil:
		return cannotOpen(access.Unavailable, fmt.Sprintf("The database file %s cannot be read.", path), err)
	case all == 0:
		return foreign(path, "is an empty database that this program has not made")
	case ours < knownBy:
		return foreign(path, "is the database of another program")
	}
	return nil
}

// knownBy is how many tables a ledger is known by.
const knownBy = 4

// tables counts the tables of a SQLite file, and those by which a ledger is known.
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

// mark writes into the file that it is a ledger of ours. The caller holds its lock.
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
