package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// verdict is what log verify --json prints.
type verdict struct {
	Events int
	Head   string
	Broken *struct {
		Number int64
		Reason string
		Event  *access.Event
	}
}

func TestLogVerify(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database, servers: 1})
		r.Register(alice)
		r.Settled(r.Granted(alice, "grant @alice 1h"))
		r.Types(bob, "log") // the key's event is written
		out := r.Shell("log", "verify")
		head := lastLine(out.stdout)
		if _, ok := access.ParseHead(head); out.status != exitDone || !strings.Contains(out.stdout, "whole") || !ok {
			t.Errorf("beside the bot: %+v", out)
		}
		r.Register(dave)
		later := r.Shell("log", "verify", "--since", head)
		r.says(later.stdout, "whole: 1 event after event "+head[:strings.Index(head, ":")])
		r.tampers("audit_no_update", "UPDATE audit SET actor = 'U0EVE' WHERE seq = 2")
		if again := r.Shell("log", "verify", "--since", lastLine(later.stdout)); again.status != exitDone {
			t.Errorf("what comes before a known head was read: %+v", again)
		}
		out = r.Shell("log", "verify", "--json")
		var v verdict
		r.must(json.Unmarshal([]byte(out.stdout), &v))
		if out.status != exitFailed || v.Events != 1 || !strings.HasPrefix(v.Head, "1:") || v.Broken == nil || v.Broken.Number != 2 || v.Broken.Event.Actor != "U0EVE" {
			t.Errorf("of a changed log: exit %d, %+v", out.status, v)
		}
		r.says(r.Shell("log", "verify").stdout, "broken at event 2")
		cut := r.Shell("log", "verify", "--since", "9999:"+strings.Repeat("0", 64))
		if cut.status != exitFailed || !strings.Contains(cut.stdout, "broken at event 9999") || !strings.HasSuffix(cut.stdout, "before.\n") {
			t.Errorf("of a log without its end: %+v", cut)
		}
	})
}

func TestLogFromTheShell(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database, servers: 2})
		r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		r.Register(dave)
		r.Ask(dave, "grant @dave 1h")
		for _, ended := range []bool{false, true} {
			if ended {
				r.Ends()
			}
			out := r.Shell("log")
			r.says(out.stdout, alice+" registered the key", alice+" asked for access for themself (request 1).", bob+" approved request 1.", dave+" asked for access")
			if out.status != exitDone || strings.ContainsAny(out.stdout, "<>{}") {
				t.Errorf("bot ended %t: %+v", ended, out)
			}
			for _, about := range []string{dave, "@" + dave, "2", "#2"} {
				some := r.Shell("log", about)
				r.says(some.stdout, dave+" asked for access for themself (request 2).")
				r.saysNot(some.stdout, alice)
			}
			r.saysNot(r.Shell("log", "--since", "2200-01-01").stdout, "asked")
			r.says(r.Shell("log", "--since", "1d").stdout, "asked")
		}
		r.checkJSON(r.Shell("log", "--json").stdout)
	})
}

// checkJSON fails the test unless a line is an object with the names that programs rely on, for each event.
func (r *rig) checkJSON(stdout string) {
	r.t.Helper()
	want := []string{"action", "actor", "at", "detail", "from", "hash", "id", "number", "subject", "to"}
	next := 1.0
	for line := range strings.Lines(stdout) {
		var e map[string]any
		r.must(json.Unmarshal([]byte(line), &e))
		if names := slices.Sorted(maps.Keys(e)); !slices.Equal(names, want) || e["number"] != next {
			r.t.Errorf("event %v: %s", next, line)
		}
		if _, err := time.Parse(time.RFC3339, e["at"].(string)); err != nil {
			r.t.Error(err)
		}
		next++
	}
	if next < 5 {
		r.t.Errorf("only %v events", next)
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.FixedZone("", 3600))
	for text, want := range map[string]string{
		"": "0001-01-01T00:00:00Z", "2026-03-02": "2026-03-02T00:00:00Z", "2026-03-02T15:04:05+02:00": "2026-03-02T13:04:05Z",
		"7d": "2026-03-02T11:00:00Z", "1d12h": "2026-03-07T23:00:00Z", "now": "", "7": "", "2026-13-01": "", "-7d": "",
	} {
		got, err := parseSince(text, now)
		if (err != nil) != (want == "") || err == nil && got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// tampers changes the audit log in the database with SQL.
func (r *rig) tampers(trigger, statement string) {
	r.t.Helper()
	ctx := r.t.Context()
	if db := r.app.Store.SQLite(); db != nil {
		for _, s := range []string{"DROP TRIGGER " + trigger, statement} {
			_, err := db.ExecContext(ctx, s)
			r.must(err)
		}
		return
	}
	for _, s := range []string{"ALTER TABLE audit DISABLE TRIGGER ALL", statement} {
		_, err := r.app.Store.Postgres().Exec(ctx, s)
		r.must(err)
	}
}
