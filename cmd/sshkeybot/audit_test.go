package main

import (
	"encoding/json"
	"strconv"
	"testing"

	"sshkeybot/internal/sim/runcloudsim"
)

// An audit from the shell finds what one in Slack does, beside the bot, and changes nothing.
func TestAuditFromTheShell(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database, servers: 3})
		r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		for _, id := range r.servers[:2] {
			r.account.AddKey(id, runcloudsim.Credential{Label: "ci", User: "root", PublicKey: keyOf(t, "ci")})
		}
		for _, c := range r.account.Keys(r.servers[2]) {
			r.account.RemoveKey(r.servers[2], c.ID)
		}
		before := len(r.account.AllKeys())
		out := r.Shell("audit", "--json")
		var found findings
		r.must(json.Unmarshal([]byte(out.stdout), &found))
		if out.status != exitDone || len(found.Missing) != 1 || len(found.Unmanaged) != 1 || len(found.Unmanaged[0].Copies) != 2 || len(found.Leftover)+len(found.Unknown)+len(found.NotRead) != 0 {
			t.Errorf("exit %d: %s%s", out.status, out.stdout, out.stderr)
		}
		if now := len(r.account.AllKeys()); now != before {
			t.Errorf("%d keys were %d", now, before)
		}
		r.says(r.Shell("audit", "#"+strconv.FormatInt(r.servers[0], 10)).stdout, "«ci»", "as root", "0 missing, 0 left over, 0 unknown with our label, 1 unmanaged, 0 not read")
		if out := r.Shell("audit", "nothing-*"); out.status != exitUsage {
			t.Errorf("exit %d: %s", out.status, out.stderr)
		}
		r.account.Fault(runcloudsim.FaultRule{Server: r.servers[1], Kind: runcloudsim.FaultHTML, Status: 502})
		out = r.Shell("audit")
		if out.status != exitFailed {
			t.Errorf("exit %d though a server could not be read", out.status)
		}
		r.says(out.stdout, "not read: ")
	})
}
