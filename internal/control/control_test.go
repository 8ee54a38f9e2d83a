package control_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sshkeybot/internal/access"
	"sshkeybot/internal/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// uses is an Offboarder that returns what the test wants and records what it was asked.
type uses struct {
	err   error
	asked []control.Ask
}

func (u *uses) OffboardFromShell(_ context.Context, person access.UserID, operator, reason, source string) (access.Request, error) {
	u.asked = append(u.asked, control.Ask{Person: person, Operator: operator, Reason: reason, Source: source})
	return access.Request{ID: 7}, u.err
}

// place returns a path for a socket: a short one, since the system limits its length.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl") //nolint:usetesting // t.TempDir has the test's name in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return control.Path(filepath.Join(dir, "db"))
}

func serve(t *testing.T, path string, u *uses) {
	t.Helper()
	listener, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	stop := control.Serve(listener, control.Bot{Uses: u, Pages: "127.0.0.1:9", Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		stop()
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestOffboard(t *testing.T) {
	t.Parallel()
	path, u := place(t), &uses{}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // as if left by a process that died
		t.Fatal(err)
	}
	serve(t, path, u)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	ask := control.Ask{Person: "U0BOB", Operator: "root@host", Reason: "left\nfor good", Source: "1"}
	id, err := control.Offboard(t.Context(), path, ask)
	if err != nil || id != 7 {
		t.Errorf("Offboard = %d, %v", id, err)
	}
	if diff := cmp.Diff([]control.Ask{ask}, u.asked); diff != "" {
		t.Errorf("what arrived (-want +got):\n%s", diff)
	}
}

func TestOffboardTellsWhyNot(t *testing.T) {
	t.Parallel()
	refused := &access.Error{Code: access.NotFound, Message: "Slack knows no such user.", Err: errors.New("secret")}
	path := place(t)
	serve(t, path, &uses{err: refused})
	_, err := control.Offboard(t.Context(), path, control.Ask{Person: "U0NIX"})
	if access.CodeOf(err) != access.NotFound || access.MessageOf(err) != refused.Message || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error is %v", err)
	}
}

func TestOffboardWithoutBot(t *testing.T) {
	t.Parallel()
	if _, err := control.Offboard(t.Context(), place(t), control.Ask{Person: "U0BOB"}); access.CodeOf(err) != access.Unavailable {
		t.Errorf("where nobody listens: %v", err)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	path, u := place(t), &uses{}
	if _, err := control.Pages(t.Context(), path); access.CodeOf(err) != access.Unavailable {
		t.Errorf("where nobody listens: %v", err)
	}
	serve(t, path, u)
	if address, err := control.Pages(t.Context(), path); err != nil || address != "127.0.0.1:9" || len(u.asked) > 0 {
		t.Errorf("Pages = %q, %v, and asked was %v", address, err, u.asked)
	}
}

// A client that sends nonsense, or nothing, gets no answer and makes nobody else wait.
func TestServeOutlivesNonsense(t *testing.T) {
	t.Parallel()
	path, u := place(t), &uses{}
	serve(t, path, u)
	silent, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for _, line := range []string{"nonsense\n", strings.Repeat("x", 100<<10) + "\n", "{}"} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(line)) // the server may close the connection before its end
		_ = conn.Close()
	}
	if id, err := control.Offboard(t.Context(), path, control.Ask{Person: "U0BOB"}); err != nil || id != 7 {
		t.Errorf("afterwards: %d, %v", id, err)
	}
	if len(u.asked) != 1 {
		t.Errorf("nonsense was taken for a wish: %+v", u.asked)
	}
}
