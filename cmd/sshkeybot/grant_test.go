package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/workflow"
)

func TestGrantReachesEveryServer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		const servers = 97
		r := start(t, plan{servers: servers, latency: 5 * time.Millisecond, database: database})
		key := r.Register(alice)
		id := r.Granted(alice, "grant @alice 12h for the release")

		op, want := runcloudsim.OpAny, 3+servers // 97 servers are three pages of 40
		if database != "" {                      // in real time, in which the list is read again if the machine is slow
			op, want = runcloudsim.OpCreate, servers
		}
		if calls := r.account.Count(op); calls != want {
			t.Errorf("%d calls to RunCloud, want %d", calls, want)
		}
		thread := r.Thread(id)
		for _, server := range r.account.Servers() {
			found := r.account.Keys(server.ID)
			if len(found) != 1 {
				t.Fatalf("%s has %d keys, want 1", server.Name, len(found))
			}
			r.checkCredential(found[0], r.view(id), key.Fingerprint())
			r.says(thread, "`"+server.Name+"`")
		}
		if len(r.copies(r.servers[0], "runcloud", key)) != 1 {
			t.Error("the key on the first server is not the one that was registered")
		}
		r.says(r.Message(id), "*Granted* on 97 of 97 servers", "*Approved* by <@"+bob+">")
		r.says(thread, "Placed on all 97 servers")
		r.checkFile(servers)
	})
}

// checkCredential checks what a person and a program can see of a key that the bot placed.
func (r *rig) checkCredential(c runcloudsim.Credential, v workflow.RequestView, fingerprint string) {
	r.t.Helper()
	if c.User != "runcloud" || !c.Temporary {
		r.t.Errorf("placed for %q, temporary %v", c.User, c.Temporary)
	}
	print := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimPrefix(fingerprint, "SHA256:"))[:16]
	want := regexp.MustCompile(fmt.Sprintf("^sshkeybot [a-z2-7]{5} g%d %s %s alice$", v.Grant.ID, print, alice))
	if !want.MatchString(c.Label) {
		r.t.Errorf("label %q, want %q", c.Label, want)
	}
}

func (r *rig) checkFile(servers int) {
	r.t.Helper()
	r.until("the complete list is there as a file", func() bool { return len(r.slack.Files(ops)) > 0 })
	lines := strings.Split(strings.TrimSpace(string(r.slack.Files(ops)[0].Content)), "\n")
	if len(lines) != servers+1 {
		r.t.Errorf("the file has %d lines, want %d and a heading", len(lines), servers)
	}
}

func TestServersInEveryTrouble(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{servers: 20, latency: 5 * time.Millisecond, database: database})
		refused, forbidden, offline := r.servers[2], r.servers[4], r.servers[6]
		r.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpCreate, Server: refused, Kind: runcloudsim.FaultStatus, Status: 422, Message: "The disk is full."})
		r.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpCreate, Server: forbidden, Kind: runcloudsim.FaultStatus, Status: 403, Message: "This action is unauthorized."})
		r.account.SetOnline(offline, false)
		r.passingTroubles()
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.says(r.Press(bob, id, "Approve"), "You approved")
		r.Settled(id) // the call that hangs times out after thirty seconds

		r.isOn(key, 17)
		thread := r.Thread(id)
		r.says(thread, "RunCloud answers 422: The disk is full.", "RunCloud answers 403: This action is unauthorized.",
			"What to do: my RunCloud token may not change this server", "What to do: mend it in RunCloud, then press Retry failed.",
			"offline", "I go on by myself when the server is back")
		for _, server := range r.servers {
			r.says(thread, "`"+r.nameOf(server)+"`")
		}
		r.says(r.Message(id), "*Granted* on 17 of 20 servers", "2 failed", "1 waiting")

		r.account.ClearFaults()
		r.account.SetOnline(offline, true)
		r.says(r.Press(bob, id, "Retry failed"), "I try again: 2 keys that failed")
		r.When(id, "all is granted", func(v workflow.RequestView) bool { return count(v.Results, access.Done) == 20 })
		r.isOn(key, 20)
		r.says(r.Message(id), "*Granted* on 20 of 20 servers")
	})
}

// passingTroubles makes calls to some servers fail once. One of them hangs until it times out.
func (r *rig) passingTroubles() {
	for at, rule := range map[int]runcloudsim.FaultRule{
		8:  {Kind: runcloudsim.FaultHTML, Status: 502, Times: 1},
		9:  {Kind: runcloudsim.FaultHTML, Status: 503, Times: 2},
		10: {Kind: runcloudsim.FaultTooMany, RetryAfter: time.Second, Times: 1},
		11: {Kind: runcloudsim.FaultTooMany, Times: 1},
		12: {Kind: runcloudsim.FaultDrop, After: true, Times: 1},
		13: {Kind: runcloudsim.FaultDrop, Times: 1},
		14: {Kind: runcloudsim.FaultTruncated, Times: 1},
		15: {Kind: runcloudsim.FaultStatus, Status: 500, After: true, Times: 1},
		16: {Kind: runcloudsim.FaultHang, Times: 1},
	} {
		rule.Op, rule.Server = runcloudsim.OpCreate, r.servers[at]
		r.account.Fault(rule)
	}
}

func count(results []access.Result, state access.ResultState) int {
	n := 0
	for _, result := range results {
		if result.State == state {
			n++
		}
	}
	return n
}
