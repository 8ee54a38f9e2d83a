package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

// newLedger opens a new ledger in a folder of its own, and returns its path.
func newLedger(t *testing.T) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := storetest.WriteEmpty(path); err != nil {
		t.Fatal(err)
	}
	return open(t, path), path
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "one"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func setFlag(t *testing.T, s *store.Store, name, value string) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx access.Tx) error { return tx.SetFlag(t.Context(), name, value) }); err != nil {
		t.Fatal(err)
	}
}

func flagOf(t *testing.T, path, name string) (value string) {
	t.Helper()
	s, err := store.OpenReadOnly(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Read(t.Context(), func(tx access.Tx) (err error) {
		value, err = tx.Flag(t.Context(), name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return value
}

// A backup has what was committed before it, whether or not a process has the ledger open.
func TestBackup(t *testing.T) {
	t.Parallel()
	s, path := newLedger(t)
	setFlag(t, s, "a", "before")
	for _, running := range []bool{true, false} {
		copied := filepath.Join(t.TempDir(), "a 'copy'?.db")
		if err := store.Backup(t.Context(), path, copied); err != nil {
			t.Fatalf("bot running %t: %v", running, err)
		}
		if got := flagOf(t, copied, "a"); got != "before" {
			t.Errorf("bot running %t: the copy has %q", running, got)
		}
		if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		if err := store.Recognise(t.Context(), "sqlite:"+copied); err != nil {
			t.Errorf("the copy is not recognised: %v", err)
		}
		s.Close()
	}
	for _, left := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + left); err == nil {
			t.Errorf("a backup of a ledger that nobody has open left %s beside it", left)
		}
	}
}

// While a backup reads, the bot writes.
func TestBackupWhileTheBotWrites(t *testing.T) {
	t.Parallel()
	s, path := newLedger(t)
	text := strings.Repeat("x", 1<<20)
	for i := range 60 {
		setFlag(t, s, "big"+string(rune('A'+i)), text)
	}
	var over atomic.Bool
	writes, longest := make(chan int), time.Duration(0)
	go func() {
		n := 0
		for ; !over.Load(); n++ {
			began := time.Now()
			if err := s.Update(t.Context(), func(tx access.Tx) error { return tx.SetFlag(t.Context(), "last", text[:n%100]) }); err != nil {
				t.Error(err)
			}
			longest = max(longest, time.Since(began))
		}
		writes <- n
	}()
	began := time.Now()
	err := store.Backup(t.Context(), path, filepath.Join(t.TempDir(), "copy.db"))
	took := time.Since(began)
	over.Store(true)
	if n := <-writes; err != nil || n == 0 {
		t.Errorf("%d writes, and the backup: %v", n, err)
	} else {
		t.Logf("a backup of 60 MB took %s; meanwhile %d writes, the slowest in %s", took, n, longest)
	}
}

func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	_, path := newLedger(t)
	dir := t.TempDir()
	fifo, kept, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "kept"), filepath.Join(dir, "link")
	if err := errors.Join(unix.Mkfifo(fifo, 0o600), os.WriteFile(kept, []byte("kept"), 0o600), os.Symlink(filepath.Join(dir, "nowhere"), link)); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{dir, fifo, kept, link} {
		err := store.Backup(t.Context(), path, to)
		if access.CodeOf(err) != access.Conflict || !strings.Contains(access.MessageOf(err), "exists already") {
			t.Errorf("to %s: %v", to, err)
		}
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "kept" {
		t.Errorf("the file that was there: %q, %v", text, err)
	}
	if err := store.Backup(t.Context(), path, filepath.Join(dir, "no", "where")); access.CodeOf(err) != access.Unavailable {
		t.Errorf("into no folder: %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	to := filepath.Join(dir, "stopped")
	if err := store.Backup(stopped, path, to); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("what was stopped left a file")
	}
}

func TestBackupOnAFullDisk(t *testing.T) {
	t.Parallel()
	s, path := newLedger(t)
	setFlag(t, s, "big", strings.Repeat("x", 4<<20))
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	err := store.Backup(t.Context(), path, filepath.Join(dir, "copy.db"))
	if access.CodeOf(err) != access.Unavailable || !strings.Contains(access.MessageOf(err), "removed again") {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestRestoreOnAFullDisk(t *testing.T) {
	t.Parallel()
	s, path := newLedger(t)
	setFlag(t, s, "big", strings.Repeat("x", 4<<20))
	copied, dir := filepath.Join(t.TempDir(), "copy.db"), t.TempDir()
	if err := store.Backup(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	place := filepath.Join(dir, "ledger.db")
	if _, err := store.Stage(t.Context(), copied, "sqlite:"+place); access.CodeOf(err) != access.Unavailable || !strings.Contains(access.MessageOf(err), "no space left on device. Nothing was changed.") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(place + "*"); len(left) != 1 { // the lock
		t.Errorf("it left %v", left)
	}
}

// backedUp returns a ledger that is closed, with a flag that says now, and a copy in which the
// flag says before.
func backedUp(t *testing.T) (path, copied string) {
	t.Helper()
	s, path := newLedger(t)
	setFlag(t, s, "a", "before")
	copied = filepath.Join(t.TempDir(), "copy.db")
	if err := store.Backup(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	setFlag(t, s, "a", "now")
	s.Close()
	return path, copied
}

// put restores the copy, with a change that stands for the mark.
func put(t *testing.T, path, copied string) (aside string) {
	t.Helper()
	staged, err := store.Stage(t.Context(), copied, "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer staged.Close()
	s := open(t, strings.TrimPrefix(staged.URL(), "sqlite:"))
	setFlag(t, s, "marked", "yes")
	s.Close()
	aside, err = staged.Replace(t.Context(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return aside
}

func TestReplace(t *testing.T) {
	t.Parallel()
	path, copied := backedUp(t)
	was, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	first, second := put(t, path, copied), put(t, path, copied)
	if flagOf(t, path, "a") != "before" || flagOf(t, path, "marked") != "yes" {
		t.Error("the copy is not in place")
	}
	if first == second || flagOf(t, first, "a") != "now" || flagOf(t, second, "a") != "before" {
		t.Errorf("what was there is kept as %s and %s", first, second)
	}
	if is, err := os.ReadFile(copied); err != nil || !bytes.Equal(is, was) {
		t.Errorf("the copy itself was changed: %v", err)
	}
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) != 4 { // with the lock
		t.Errorf("there are %v, %v", left, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestReplaceNothing(t *testing.T) {
	t.Parallel()
	_, copied := backedUp(t)
	path := filepath.Join(t.TempDir(), "new.db")
	if aside := put(t, path, copied); aside != "" || flagOf(t, path, "a") != "before" {
		t.Errorf("kept as %q", aside)
	}
}

// Whenever a restore is killed, what is in place is the old ledger or the marked copy, and the next
// restore is not disturbed by what the killed one left. A killed bot has left a log beside the old one.
func TestRestoreIsKilled(t *testing.T) {
	t.Parallel()
	path, copied := backedUp(t)
	crashed := open(t, path)
	setFlag(t, crashed, "a", "in the log")
	killed := filepath.Join(t.TempDir(), "killed.db")
	for _, suffix := range []string{"", "-wal"} { // as they lie there when the bot is killed
		text, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(killed+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	crashed.Close()
	for _, left := range []string{"", "-wal", "-shm", ".lock"} {
		if err := os.WriteFile(killed+".restoring"+left, []byte("half of it"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aside := put(t, killed, copied)
	if flagOf(t, aside, "a") != "in the log" || flagOf(t, killed, "a") != "before" {
		t.Errorf("%s has %q, and what is in place %q", aside, flagOf(t, aside, "a"), flagOf(t, killed, "a"))
	}
	// Killed after the old one got its second name, and before the copy was put in place.
	if err := os.Link(killed, killed+".before-restore-20260301-120000-2"); err != nil {
		t.Fatal(err)
	}
	if flagOf(t, killed, "marked") != "yes" || !strings.HasSuffix(put(t, killed, copied), "-3") {
		t.Error("the next one did not go well")
	}
}

func TestStageRefuses(t *testing.T) {
	t.Parallel()
	path, copied := backedUp(t)
	whole, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	damaged := bytes.Clone(whole)
	clear(damaged[len(damaged)/2:])
	newer := open(t, copyOf(t, copied, dir))
	if _, err := newer.SQLite().ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	newer.Close()
	for name, test := range map[string]struct{ file, says string }{
		"nothing":          {filepath.Join(dir, "none"), "cannot be read"},
		"a text":           {file("text", []byte(strings.Repeat("no ledger ", 20))), "is not a SQLite database"},
		"an empty file":    {file("empty", nil), "is empty"},
		"a truncated copy": {file("short", whole[:len(whole)/2]), "is damaged"},
		"a damaged copy":   {file("damaged", damaged), "is damaged"},
		"a folder":         {dir, "not a regular file"},
		"the ledger":       {path, "in place already"},
		"a newer version":  {filepath.Join(dir, "newer.db"), "newer version"},
	} {
		staged, err := store.Stage(t.Context(), test.file, "sqlite:"+path)
		if err == nil {
			staged.Close()
		}
		if message := access.MessageOf(err); !strings.Contains(message, test.says) || !strings.HasSuffix(message, ".") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if flagOf(t, path, "a") != "now" {
		t.Error("the ledger was changed")
	}
	if left, _ := filepath.Glob(path + ".rest*"); len(left) > 0 {
		t.Errorf("there are left %v", left)
	}
	foreign := file("foreign.db", []byte(strings.Repeat("somebody else's ", 20)))
	if _, err := store.Stage(t.Context(), copied, "sqlite:"+foreign); access.CodeOf(err) != access.Invalid {
		t.Errorf("over another program's file: %v", err)
	}
}

// copyOf returns the path of a second copy.
func copyOf(t *testing.T, copied, dir string) string {
	t.Helper()
	text, err := os.ReadFile(copied)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "newer.db"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "newer.db")
}
