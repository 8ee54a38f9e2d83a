package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sshkeybot/internal/access"
)

// Staged is a copy of a SQLite ledger that lies beside the place that it is to be put in. No
// other process uses that place until Close.
type Staged struct {
	place, path string
	lock        *os.File
}

// stagedSuffix follows the name of a ledger in that of the copy which is to replace it. Whoever
// holds the ledger's lock may delete one: a restore left it behind that was killed.
const stagedSuffix = ".restoring"

// besides are the suffixes of the files that SQLite and Open make beside a database.
var besides = []string{"-wal", "-shm", lockSuffix}

// Stage copies a file, which it only reads, beside the place of a SQLite ledger, and proves that
// it is a whole ledger of a version that this program can read. Nothing has changed yet at the
// place. The error is an *access.Error: Conflict if a process uses the place, Invalid if the
// file is no copy of a ledger, or at the place is a file that is no ledger.
func Stage(ctx context.Context, file, databaseURL string) (*Staged, error) {
	place, err := placeOf(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	if err := readableCopy(file, place); err != nil {
		return nil, err
	}
	s := &Staged{place: place, path: place + stagedSuffix}
	if s.lock, err = lockFile(place+lockSuffix, "restore"); err != nil {
		return nil, err
	}
	if err := s.fill(ctx, file); err != nil {
		s.Close()
		if _, ok := errors.AsType[*access.Error](err); ok || ctx.Err() != nil {
			return nil, err
		}
		return nil, cannotCopy("The copy cannot be put beside "+place+": "+reason(err)+". Nothing was changed.", err)
	}
	return s, nil
}

// placeOf returns the path of the ledger, without symbolic links, whether or not it exists.
func placeOf(ctx context.Context, databaseURL string) (string, error) {
	path, isFile, err := File(databaseURL)
	if errors.Is(err, fs.ErrNotExist) && isFile {
		var folder string
		if folder, err = filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			path, err = filepath.Abs(filepath.Join(folder, filepath.Base(path)))
		}
	}
	if err != nil {
		return "", cannotOpen(access.Unavailable, "The place of the ledger cannot be used: "+reason(err)+".", err)
	}
	if err := namesFile(path); err != nil {
		return "", err
	}
	_, err = recognise(ctx, path)
	return path, err
}

// readableCopy returns an error unless a file can be read that is not the ledger in place.
func readableCopy(file, place string) error {
	info, err := os.Stat(file)
	if err != nil {
		return cannotCopy("The copy cannot be read: "+reason(err)+".", err)
	}
	if there, err := os.Stat(place); err == nil && os.SameFile(info, there) {
		return &access.Error{Code: access.Invalid, Op: "restore", Message: file + " is the ledger that is in place already."}
	}
	if !info.Mode().IsRegular() {
		return &access.Error{Code: access.Invalid, Op: "restore", Message: file + " is not a regular file, so it is no copy of a ledger."}
	}
	return nil
}

// fill copies the file, with the write-ahead log that may be beside it, and checks the copy.
func (s *Staged) fill(ctx context.Context, file string) error {
	s.clear()
	if err := copyFile(file, s.path); err != nil {
		return err
	}
	if hasWAL(file) {
		if err := copyFile(file+"-wal", s.path+"-wal"); err != nil {
			return err
		}
	}
	if err := checkCopy(ctx, s.path); err != nil {
		if e, ok := errors.AsType[*access.Error](err); ok && e.Code == access.Invalid && e.Op == "copy" {
			e.Message = file + e.Message[len(s.path):] + " Nothing was changed."
		}
		return err
	}
	return nil
}

// copyFile copies a file to a new one, for its owner alone, and has that kept through a loss of
// power.
func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // beside the ledger
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// URL returns the database URL of the copy.
func (s *Staged) URL() string { return "sqlite:" + s.path }

// Path returns the path of the ledger that the copy is to replace.
func (s *Staged) Path() string { return s.place }

// Replace puts the copy in place, in one step. A ledger that is there gets another name first,
// which is returned; it is neither changed nor deleted. Nobody may have the copy open.
func (s *Staged) Replace(ctx context.Context, at time.Time) (aside string, err error) {
	if hasWAL(s.path) {
		return "", cannotCopy("The copy could not be completed, so nothing was changed. See whether there is room in "+filepath.Dir(s.path)+".", nil)
	}
	if aside, err = s.keepOld(ctx, at); err != nil {
		return "", cannotCopy("The ledger in place cannot be kept under another name: "+reason(err)+". Nothing was changed.", err)
	}
	if err := errors.Join(os.Rename(s.path, s.place), syncFolder(s.place)); err != nil {
		return aside, cannotCopy("The copy cannot be put in place: "+reason(err)+".", err)
	}
	return aside, nil
}

// keepOld gives the ledger in place a second name, if there is one, and takes its write-ahead
// log away: SQLite would take that for one of the copy's.
func (s *Staged) keepOld(ctx context.Context, at time.Time) (aside string, err error) {
	if info, err := os.Stat(s.place); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return "", s.dropLogs()
	}
	checkpoint(ctx, s.place) // of a damaged one, the log is kept as it is
	name := s.place + ".before-restore-" + at.UTC().Format("20060102-150405")
	for n := 1; ; n++ {
		if aside = name; n > 1 {
			aside = fmt.Sprintf("%s-%d", name, n)
		}
		if err = os.Link(s.place, aside); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err == nil && hasWAL(s.place) {
		err = os.Link(s.place+"-wal", aside+"-wal")
	}
	if err = errors.Join(err, syncFolder(s.place)); err != nil {
		return "", err
	}
	return aside, s.dropLogs()
}

// dropLogs deletes the files that SQLite has left beside the ledger in place.
func (s *Staged) dropLogs() error {
	var trouble error
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(s.place + suffix); !errors.Is(err, fs.ErrNotExist) {
			trouble = errors.Join(trouble, err)
		}
	}
	return trouble
}

// checkpoint brings what is in the write-ahead log of a ledger into its file, as far as possible.
func checkpoint(ctx context.Context, path string) {
	if !hasWAL(path) {
		return
	}
	db, err := sql.Open("sqlite", sqliteURL(path, "immediate", writeMode))
	if err != nil {
		return
	}
	_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	_ = db.Close() // the last to close it deletes the log
}

// Close deletes the copy, unless it was put in place, and lets others use the place.
func (s *Staged) Close() {
	s.clear()
	_ = s.lock.Close()
}

func (s *Staged) clear() {
	for _, suffix := range append([]string{""}, besides...) {
		_ = os.Remove(s.path + suffix)
	}
}
