package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/store"
)

// logLine is a line of the log.
type logLine map[string]any

// linesOf returns the lines of a log in JSON from the level info on.
func (r *rig) linesOf(log *printed) (all []logLine) {
	r.t.Helper()
	for text := range strings.Lines(log.String()) {
		var line logLine
		r.must(json.Unmarshal([]byte(text), &line))
		if line["level"] != "debug" && line["level"] != "trace" {
			all = append(all, line)
		}
	}
	return all
}

// said returns how often the log says each of some messages.
func (r *rig) said(log *printed, messages ...string) map[string]int {
	r.t.Helper()
	counts := map[string]int{}
	for _, m := range messages {
		counts[m] = 0
	}
	for _, line := range r.linesOf(log) {
		if m, _ := line["message"].(string); strings.Contains(strings.Join(messages, "\n"), m) {
			counts[m]++
		}
	}
	return counts
}

// Every event of the audit log is one line of the log, with who, whom and where, and none is more.
func TestEventsAreLogged(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		var log printed
		r := start(t, plan{servers: 3, database: database, log: &log})
		const secret = "hunter2 for OPS-12"
		r.Register(alice)
		id := r.Granted(alice, "grant @alice 1h on "+r.nameOf(r.servers[0])+","+r.nameOf(r.servers[1])+" for "+secret)
		r.Register(dave)
		r.Ask(dave, "grant @dave 30m for "+secret)
		r.says(r.Types(alice, "done"), "You gave back")
		r.When(id, "the access has ended", ended)
		r.says(r.Types(alice, "offboard @dave"), "Only an approver")
		r.Types(bob, "offboard @dave for "+secret)
		r.says(r.PressPrivate(bob, r.confirmButton(bob)), "is under way")
		r.until("the offboarding is finished", func() bool { return r.said(&log, "offboarding finished")["offboarding finished"] == 1 })
		r.Ends()

		ledger, err := store.OpenReadOnly(t.Context(), r.cfg.DatabaseURL.Reveal())
		r.must(err)
		defer ledger.Close()
		events, err := ledger.Events(t.Context(), 0, 1000)
		r.must(err)
		seen := map[float64]logLine{}
		for _, line := range r.linesOf(&log) {
			if n, ok := line["event"].(float64); ok {
				if seen[n] != nil {
					t.Errorf("event %v is logged twice", n)
				}
				seen[n] = line
			}
		}
		if len(seen) != len(events) || len(events) < 15 {
			t.Errorf("%d lines for %d events", len(seen), len(events))
		}
		for _, e := range events {
			line := seen[float64(e.Seq)]
			if actor, _ := line["actor"].(string); actor != string(e.Actor) || line["message"] == "" {
				t.Errorf("event %d, %s, is logged as %v", e.Seq, e.Action, line)
			}
		}
		r.checkLines(&log, id)
		r.saysNot(log.String(), "hunter2", "OPS-12")
		r.secretless(log.String())
	})
}

// checkLines checks the lines about a request for access to two servers, and its end.
func (r *rig) checkLines(log *printed, id int64) {
	r.t.Helper()
	got := map[string]logLine{}
	for _, line := range r.linesOf(log) {
		if line["request"] == float64(id) {
			got[line["message"].(string)] = line
		}
	}
	both := []any{r.nameOf(r.servers[1]), r.nameOf(r.servers[0])} // in alphabetical order
	for message, want := range map[string]logLine{
		"request asked":    {"person": alice, "actor": alice, "kind": "grant", "servers": 2.0, "system_user": "runcloud", "duration": "1h0m0s"},
		"request approved": {"person": alice, "actor": bob, "kind": "grant", "servers": 2.0, "system_user": "runcloud", "duration": "1h0m0s"},
		"grant started":    {"person": alice, "grant": 1.0, "servers": 2.0, "system_user": "runcloud"},
		"keys placed":      {"person": alice, "grant": 1.0, "servers": 2.0, "server_names": both, "system_user": "runcloud"},
		"grant ended":      {"person": alice, "actor": alice, "grant": 1.0, "servers": 2.0, "system_user": "runcloud", "cause": "given_back"},
		"keys gone":        {"person": alice, "grant": 1.0, "servers": 2.0, "server_names": both, "system_user": "runcloud", "from": "leaving"},
	} {
		line := got[message]
		for _, other := range []string{"time", "level", "message", "event", "request", "key", "until"} {
			delete(line, other)
		}
		if diff := cmp.Diff(want, line); diff != "" {
			r.t.Errorf("%s (-want +got):\n%s", message, diff)
		}
	}
}

// What stops working is said once when that begins, and once when it is over.
func TestOutagesAreLoggedInPairs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log printed
		r := start(t, plan{servers: 5, log: &log})
		r.Register(alice)
		r.Granted(alice, "grant @alice 5m")
		pairs := [][2]string{
			{"no socket is connected to Slack", "socket connected to Slack"},
			{"Slack cannot be called", "Slack can be called"},
			{"calls to a target fail", "calls to a target succeed"},
			{"work halted", "work resumed"},
		}
		first := r.said(&log, "socket connected to Slack", "Slack can be called", "calls to a target succeed")
		if diff := cmp.Diff(map[string]int{"socket connected to Slack": 1, "Slack can be called": 1, "calls to a target succeed": 1}, first); diff != "" {
			t.Errorf("after the start (-want +got):\n%s", diff)
		}
		r.must(r.slack.Outage(slacksim.Refused))
		r.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpAny, Kind: runcloudsim.FaultStatus, Status: 503})
		<-time.After(7 * time.Minute) // the access ends meanwhile
		r.account.ClearFaults()
		r.must(r.slack.Outage(slacksim.Up))
		<-time.After(2 * time.Minute)
		id := r.Ask(alice, "grant @alice 1h")
		r.Posted(id)
		r.account.SetToken("another")
		r.Press(bob, id, "Approve")
		<-time.After(time.Minute)
		r.account.SetToken(runcloudsim.DefaultToken)
		<-time.After(2 * time.Minute)
		for _, p := range pairs {
			got := r.said(&log, p[0], p[1])
			if got[p[0]] != 1 || got[p[1]] != 1+first[p[1]] {
				t.Errorf("the log says %v", got)
			}
		}
		if n := len(r.linesOf(&log)); n > 60 {
			t.Errorf("the log has %d lines:\n%s", n, &log)
		}
	})
}

// A bot without anything to do logs nothing.
func TestIdleLogIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log printed
		r := start(t, plan{servers: 5, log: &log})
		r.Register(alice)
		r.Granted(alice, "grant @alice 30d")
		<-time.After(time.Minute)
		before := len(r.linesOf(&log))
		<-time.After(10 * time.Minute)
		if all := r.linesOf(&log); len(all) != before {
			t.Errorf("logged meanwhile: %v", all[before:])
		}
	})
}

// Foreign text cannot look like a line or a field of its own, and durations have a unit.
func TestLogQuotesForeignText(t *testing.T) {
	t.Parallel()
	const forged = "x\n{\"level\":\"info\",\"event\":7}\r\n3:04PM INF grant started event=7 \x1b[2K\u202e\u0085"
	for _, format := range []string{"json", "console"} {
		var out strings.Builder
		newLog("info", format, &out).Info("refused", "error", errors.New(forged), "problem", forged, "server_names", []string{forged}, "after", 150*time.Second)
		if n := strings.Count(out.String(), "\n"); n != 1 || strings.ContainsAny(out.String(), "\r\x1b") {
			t.Errorf("%s has %d lines: %q", format, n, out.String())
		}
		if strings.Contains(out.String(), " event=7 ") && format == "console" && !strings.Contains(out.String(), `"x\n`) {
			t.Errorf("a field is forged: %s", out.String())
		}
		if !strings.Contains(out.String(), "2m30s") {
			t.Errorf("the duration: %s", out.String())
		}
	}
}
