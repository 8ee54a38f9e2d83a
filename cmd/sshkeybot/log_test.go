package main

import (
	"encoding/json"
	"strings"
	"testing"

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
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database, servers: 1})
		r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
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

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// tampers changes the audit log in the database with SQL.
func (r *rig) tampers(trigger, statement string) {
	r.t.Helper()
	ctx := r.t.Context()
	if db := r.app.store.SQLite(); db != nil {
		for _, s := range []string{"DROP TRIGGER " + trigger, statement} {
			_, err := db.ExecContext(ctx, s)
			r.must(err)
		}
		return
	}
	for _, s := range []string{"ALTER TABLE audit DISABLE TRIGGER ALL", statement} {
		_, err := r.app.store.Postgres().Exec(ctx, s)
		r.must(err)
	}
}
