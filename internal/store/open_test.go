package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.SQLite)
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Postgres)
}

func TestSecondOpenerOfAFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger ?#%41.db")
	first, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "one"})
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		if _, err := store.Open(t.Context(), "sqlite:"+name, store.Options{Replica: "two"}); access.CodeOf(err) != access.Conflict {
			t.Errorf("Open(%s) = %v, want a conflict", name, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %o, want 600", info.Mode().Perm())
	}
	first.Close()
	again, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "two"})
	if err != nil {
		t.Fatalf("after the first has closed: %v", err)
	}
	again.Close()
}

// What root makes beside a database belongs to the owner of that, who could not open it otherwise.
func TestRootLocksNobodyOut(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	const owner = 65532
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, owner, owner)); err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Replica: "root"})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	for _, name := range []string{"", ".lock", "-wal", "-shm"} {
		var file unix.Stat_t
		if err := unix.Stat(path+name, &file); err != nil || file.Uid != owner || file.Gid != owner {
			t.Errorf("ledger.db%s is of %d:%d, %v", name, file.Uid, file.Gid, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk.db")
	if err := os.WriteFile(junk, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		url  string
		code access.Code
	}{
		"no directory":   {"sqlite:" + filepath.Join(t.TempDir(), "none", "x.db"), access.Unavailable},
		"a directory":    {"sqlite:" + t.TempDir(), access.Invalid},
		"no database":    {"sqlite:" + junk, access.Invalid},
		"nothing":        {"", access.Invalid},
		"another scheme": {"mysql://u:geheim@h/d", access.Invalid},
		"bad port":       {"postgres://u:geheim@localhost:nine/d", access.Invalid},
		"bad escape":     {"postgres://u:geheim%zz@localhost/d", access.Invalid},
		"nobody there":   {"postgres://u:geheim@127.0.0.1:1/d?connect_timeout=60", access.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), test.url, store.Options{Replica: "one"})
			if err == nil {
				s.Close()
				t.Fatal("it opened")
			}
			if access.CodeOf(err) != test.code {
				t.Errorf("code %s, want %s: %v", access.CodeOf(err), test.code, err)
			}
			if message := access.MessageOf(err); !strings.HasSuffix(message, ".") {
				t.Errorf("%q is not a sentence", message)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), "geheim") {
				t.Errorf("the password shows: %v", err)
			}
		})
	}
}

func TestPostgresTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*url.URL){
		"no database of the name": func(u *url.URL) { u.Path = "/nosuchdatabase" },
		"the user or the password": func(u *url.URL) {
			u.User = url.UserPassword("nosuchuser", "geheim")
		},
	} {
		server, err := url.Parse(storetest.PostgresURL(t))
		if err != nil {
			t.Fatal(err)
		}
		change(server)
		_, err = store.Open(t.Context(), server.String(), store.Options{Replica: "one"})
		if !strings.Contains(access.MessageOf(err), name) || strings.Contains(fmt.Sprint(err), "geheim") {
			t.Errorf("got %v, want it to speak of %q", err, name)
		}
	}
}

// Several replicas may start on an empty database at the same moment.
func TestPostgresMigratesOnce(t *testing.T) {
	t.Parallel()
	server, schema := storetest.PostgresURL(t), storetest.PostgresSchema(t)
	const replicas = 5
	opened := make(chan error, replicas)
	for i := range replicas {
		go func() {
			s, err := store.Open(context.WithoutCancel(t.Context()), server, store.Options{Replica: fmt.Sprint("r", i), Schema: schema})
			if err == nil {
				s.Close()
			}
			opened <- err
		}()
	}
	for range replicas {
		if err := <-opened; err != nil {
			t.Error(err)
		}
	}
}

func TestReplicaNamesAreTaken(t *testing.T) {
	t.Parallel()
	server, schema := storetest.PostgresURL(t), storetest.PostgresSchema(t)
	first, err := store.Open(t.Context(), server, store.Options{Replica: "one", Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), server, store.Options{Replica: "one", Schema: schema}); access.CodeOf(err) != access.Conflict {
		t.Errorf("a second process of the same name: %v, want a conflict", err)
	}
	first.Close()
	again, err := store.Open(t.Context(), server, store.Options{Replica: "one", Schema: schema})
	if err != nil {
		t.Fatalf("after the first has closed: %v", err)
	}
	again.Close()
}
