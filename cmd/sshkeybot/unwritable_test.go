package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"sshkeybot/internal/sim/runcloudsim"
)

// page returns what a health page answers.
func (r *rig) page(path string) (status int, body string) {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.app.Health().ServeHTTP(w, httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// smallDisk mounts a small file system, and returns functions that fill it and make room
// again.
func smallDisk(t *testing.T) (dir string, fill, free func()) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	filler := filepath.Join(dir, "filler")
	fill = func() {
		file, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		for size := 64 << 10; size > 0; {
			if _, err := file.Write(make([]byte, size)); errors.Is(err, unix.ENOSPC) {
				size /= 4
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir, fill, func() {
		if err := os.Remove(filler); err != nil {
			t.Error(err)
		}
	}
}

// readOnlyUser returns a database, and functions that make it read-only and writable again for
// its user.
func readOnlyUser(t *testing.T) (database string, refuse, allow func()) {
	t.Helper()
	address, err := url.Parse(postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	server, user := os.Getenv("SSHKEYBOT_TEST_POSTGRES"), address.Query().Get("search_path")
	onServer(t, server, "CREATE ROLE "+user+" LOGIN SUPERUSER")
	t.Cleanup(func() {
		onServer(t, server, "REASSIGN OWNED BY "+user+" TO postgres")
		onServer(t, server, "DROP ROLE "+user)
	})
	address.User = url.User(user)
	set := func(value string) func() {
		return func() {
			onServer(t, server, "ALTER ROLE "+user+" SET default_transaction_read_only = "+value)
			onServer(t, server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"+user+"' AND '"+value+"' = 'on'")
		}
	}
	return address.String(), set("on"), set("off")
}

// While the ledger cannot be written, everybody is told so, and nothing is lost or done
// without being recorded. Afterwards all goes on by itself.
func TestLedgerThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	t.Run("full disk", func(t *testing.T) {
		t.Parallel()
		dir, fill, free := smallDisk(t)
		synctest.Test(t, func(t *testing.T) { cannotBeWritten(t, "sqlite:"+filepath.Join(dir, "ledger.db"), fill, free) })
	})
	t.Run("read-only PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database, refuse, allow := readOnlyUser(t)
		cannotBeWritten(t, database, refuse, allow)
	})
}

func cannotBeWritten(t *testing.T, database string, stop, mend func()) {
	t.Helper()
	var clock jumpClock
	var log printed
	r := start(t, plan{database: database, servers: 3, now: clock.now, log: &log})
	key := r.Register(alice)
	id := r.Granted(alice, "grant @alice 1h")
	r.Register(dave)
	waiting := r.Ask(dave, "grant @dave 1h")
	r.Posted(waiting)
	end := r.view(id).Grant.EndsAt
	r.until("it is ready", func() bool { code, _ := r.page("/readyz"); return code == http.StatusOK })

	stop()
	clock.reach(end)
	creates := r.account.Count(runcloudsim.OpCreate)
	r.until("it is not ready", func() bool {
		code, body := r.page("/readyz")
		return code == http.StatusServiceUnavailable && !strings.Contains(body, `"ledger":"ok"`)
	})
	r.until("the ledger is read", func() bool { _, body := r.page("/metrics"); return strings.Contains(body, "ledger_readable 1\n") })
	_, metrics := r.page("/metrics")
	r.says(metrics, "sshkeybot_grants_overdue 1\n", "sshkeybot_removals_owed 3\n", "sshkeybot_ledger_writable 0\n", "sshkeybot_ledger_readable 1\n")
	before := len(r.private(carol))
	outcome, err := r.slack.Command(t.Context(), carol, ops, "/sshkey grant @alice 1h")
	r.must(err)
	if !outcome.Acked {
		t.Errorf("the command came to nothing: %+v", outcome)
	}
	r.says(r.answer(carol, before), "cannot write to my database", "nothing was changed")
	r.says(r.Press(bob, waiting, "Approve"), "cannot write to my database")
	r.until("the team is told", func() bool { return len(r.alarms()) > 0 })
	r.says(r.alarms()[0], "no key is removed", "1 grant past the end", "3 keys still on a server")
	if n := r.account.Count(runcloudsim.OpCreate); n != creates {
		t.Errorf("%d keys were placed meanwhile", n-creates)
	}

	mend()
	mended := time.Now()
	r.When(id, "the access has ended", ended)
	r.isOn(key, 0)
	t.Logf("all was removed %s after it could be written again", time.Since(mended))
	r.until("it is ready again", func() bool { code, _ := r.page("/readyz"); return code == http.StatusOK })
	r.until("the message says that it is over", func() bool { return strings.Contains(r.alarms()[0], "I can write to my database again") })
	if all := r.alarms(); len(all) != 1 {
		t.Errorf("the channel has %d messages about it: %q", len(all), all)
	}
	r.says(r.Press(bob, waiting, "Approve"), "You approved")
	for _, once := range []string{"the ledger cannot be written", "the ledger can be written again"} {
		if n := r.said(&log, once)[once]; n != 1 {
			t.Errorf("the log says %d times: %s", n, once)
		}
	}
	if n := strings.Count(log.String(), "\n"); n > 1000 {
		t.Errorf("%d lines in the log", n)
	}
}

// alarms returns the messages to the team about the ledger.
func (r *rig) alarms() (all []string) {
	for _, m := range r.slack.Messages(news) {
		if strings.Contains(m.Text, "to my database") {
			all = append(all, m.Text)
		}
	}
	return all
}
