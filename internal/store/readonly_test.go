package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

func TestOpenReadOnlyReadsWhatTheOtherWrites(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	if _, err := store.OpenReadOnly(t.Context(), url); access.CodeOf(err) != access.Unavailable {
		t.Fatalf("beside no file: %v", err)
	}
	writer, err := store.Open(t.Context(), url, store.Options{Replica: "bot"})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	beside, err := store.OpenReadOnly(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()

	err = writer.Update(t.Context(), func(tx access.Tx) error { return tx.SetFlag(t.Context(), "colour", "blue") })
	if err != nil {
		t.Fatal(err)
	}
	var got string
	err = beside.Read(t.Context(), func(tx access.Tx) (err error) {
		got, err = tx.Flag(t.Context(), "colour")
		return err
	})
	if err != nil || got != "blue" {
		t.Errorf("read %q, %v", got, err)
	}
	err = beside.Update(t.Context(), func(tx access.Tx) error { return tx.SetFlag(t.Context(), "colour", "red") })
	if err == nil {
		t.Error("a ledger opened for reading was written")
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	if _, isFile, err := store.File("sqlite:" + path); !isFile || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no file: %v, %v", isFile, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if real, isFile, err := store.File("sqlite:" + link); !isFile || err != nil || real != path {
		t.Errorf("of a link: %q, %v, %v", real, isFile, err)
	}
	if _, isFile, err := store.File("postgres://db/keys"); isFile || err != nil {
		t.Errorf("of PostgreSQL: %v, %v", isFile, err)
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	if alone, err := storetest.SQLite(t).Others(t.Context()); err != nil || alone != nil {
		t.Errorf("on SQLite: %v, %v", alone, err)
	}
	first := storetest.Postgres(t)
	second := storetest.Second(t, first, "second")
	if others, err := first.Others(t.Context()); err != nil || !slices.Equal(others, []string{"second"}) {
		t.Errorf("Others = %v, %v", others, err)
	}
	second.Close()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		others, err := first.Others(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(others) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a replica that ended still counts: %v", others)
		}
	}
}
