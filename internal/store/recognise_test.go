package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// written returns every file below a folder, with its mode and its content.
func written(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || d.IsDir() {
			found[path] = info.Mode().String()
			return err
		}
		content, err := os.ReadFile(path)
		found[path] = fmt.Sprintf("%s %x", info.Mode(), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func execute(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A file that is no ledger keeps its content and its mode, and no file is made beside it.
func TestForeignFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make func(path string) error
		says string
	}{
		"text": {func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("127.0.0.1 localhost\n", 50)), 0o644)
		}, "is not a SQLite database"},
		"short text": {func(path string) error { return os.WriteFile(path, []byte("x"), 0o640) }, "is not a SQLite database"},
		"folder":     {func(path string) error { return os.Mkdir(path, 0o755) }, "is a folder"},
		"database of another program": {func(path string) error {
			execute(t, path, "CREATE TABLE songs (id INTEGER)", "PRAGMA application_id = 7")
			return os.Chmod(path, 0o644)
		}, "another program"},
		"database without a mark": {func(path string) error {
			execute(t, path, "PRAGMA journal_mode = WAL", "CREATE TABLE audit (id INTEGER)")
			return os.Chmod(path, 0o644)
		}, "another program"},
		"device": {func(path string) error { return os.Symlink("/dev/null", path) }, "is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "hosts")
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			before := written(t, dir)
			_, besideErr := store.OpenReadOnly(t.Context(), "sqlite:"+path)
			_, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "one"})
			for _, err := range []error{err, besideErr} {
				if access.CodeOf(err) != access.Invalid || !strings.Contains(access.MessageOf(err), test.says) {
					t.Errorf("it says: %v", err)
				}
			}
			if diff := cmp.Diff(before, written(t, dir)); diff != "" {
				t.Errorf("something was changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLedgerInMemoryIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{":memory:", "file:ledger?mode=memory"} {
		if _, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "one"}); access.CodeOf(err) != access.Invalid {
			t.Errorf("%s: %v", path, err)
		}
	}
	if left := written(t, "."); len(left) != 1 {
		t.Errorf("made: %v", left)
	}
}

// A new ledger has the application ID from the start; an older one is recognised by its
// tables and gets it. Reading either makes no file.
func TestLedgersAreMarked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil { // an empty file is fine
		t.Fatal(err)
	}
	marked := func() bool {
		header, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(header[68:72]) == "sshk"
	}
	open := func() {
		t.Helper()
		ledger, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "one"})
		if err != nil {
			t.Fatal(err)
		}
		ledger.Close()
	}
	open()
	if !marked() {
		t.Error("a new ledger has no mark")
	}
	execute(t, path, "PRAGMA application_id = 0")
	before := written(t, dir)
	beside, err := store.OpenReadOnly(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatalf("a ledger of before is not known: %v", err)
	}
	beside.Close()
	if diff := cmp.Diff(before, written(t, dir)); diff != "" {
		t.Errorf("reading changed something (-want +got):\n%s", diff)
	}
	if open(); !marked() {
		t.Error("a ledger of before gets no mark")
	}
}

// A ledger whose process was killed at its first start has its tables in the write-ahead log
// alone.
func TestYoungLedgerIsKnownByItsLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "copy.db")
	ledger, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "one"})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if suffix == "" {
			copy(content[68:72], "\x00\x00\x00\x00") // as before ledgers had an application ID
		}
		if err := os.WriteFile(copied+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, err := store.Open(t.Context(), "sqlite:"+copied, store.Options{Replica: "one"})
	if err != nil {
		t.Fatalf("it is not known: %v", err)
	}
	again.Close()
}
