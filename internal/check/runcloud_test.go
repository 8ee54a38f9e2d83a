package check_test

import (
	"testing"
	"time"

	"sshkeybot/internal/check"
	"sshkeybot/internal/sim/runcloudsim"
)

func TestFindingsAtRunCloud(t *testing.T) {
	t.Parallel()
	says(t, map[string]finding{
		"runcloud token":   {func(_ *testing.T, b *bench) { b.account.SetToken("other") }, "runcloud", check.Problem, "401", "allow list"},
		"runcloud address": {func(_ *testing.T, b *bench) { b.account.AllowOnly("192.0.2.1") }, "runcloud", check.Problem, "401", "RUNCLOUD_API_TOKEN"},
		"runcloud away":    {func(_ *testing.T, b *bench) { b.Config.RunClouds[0].APIURL = nobody + "/api/v3" }, "runcloud", check.Problem, "did not answer", "RUNCLOUD_API_URL"},
		"runcloud hurries not": {func(_ *testing.T, b *bench) {
			b.account.Fault(runcloudsim.FaultRule{Kind: runcloudsim.FaultTooMany, RetryAfter: 20 * time.Minute})
		}, "runcloud", check.Problem, "it asks to wait 20m0s", "again"},
		"runcloud limit":        {func(*testing.T, *bench) {}, "runcloud limit", check.Note, "no X-RateLimit-* header", none},
		"runcloud limit stated": {func(_ *testing.T, b *bench) { b.account.SetRateLimit(60, runcloudsim.LimitOptions{}) }, "runcloud limit", check.Note, "X-RateLimit-Limit: 60, X-RateLimit-Remaining: 5", none},
		"runcloud pages":        {func(_ *testing.T, b *bench) { b.account.AddServers(50) }, "runcloud pages", check.OK, "Asked for 40 a page, 2 pages came, with 53 entries. meta.pagination.count 13, ", none},
		"runcloud no keys":      {func(*testing.T, *bench) {}, "runcloud key form", check.Note, "no keys", none},
		"runcloud keys cut":     {someKeys, "runcloud key form", check.Note, "has created_at, id, label, publicKey, user; temporary is not told of 2 of 2. 0 are shown whole, 2 cut to 50 characters.", none},
		"runcloud keys whole":   {wholeKeys, "runcloud key form", check.Note, "All are shown whole.", none},
		"runcloud path":         {func(_ *testing.T, b *bench) { b.Config.RunClouds[0].APIURL += "/nix" }, "runcloud", check.Problem, "404", "/api/v3"},
		"one offline":           {func(_ *testing.T, b *bench) { b.account.SetOnline(b.servers[0], false) }, "runcloud", check.OK, "3 servers, 1 of them offline", none},
		"keys forbidden":        {forbidKeys, "runcloud keys", check.Problem, "does not let the token read the keys of", "manage all servers"},
		"all offline":           {allOffline, "runcloud keys", check.Note, "not tried", none},
		"no servers":            {noServers, "runcloud", check.Warning, "0 servers", "workspace"},
	})
}

func forbidKeys(_ *testing.T, b *bench) {
	b.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpListCredentials, Kind: runcloudsim.FaultStatus, Status: 403})
}

// someKeys puts keys on a server that is not the first.
func someKeys(t *testing.T, b *bench) {
	t.Helper()
	for _, label := range []string{"one", "two"} {
		b.account.AddKey(b.servers[1], runcloudsim.Credential{Label: label, User: "runcloud", PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0qmzLJh0cJkYhW5vQm0p3m2nqmY0nZ1u8n6wq3x1aB " + label})
	}
}

func wholeKeys(t *testing.T, b *bench) {
	t.Helper()
	b.account.SetRules(runcloudsim.Rules{FullKeys: true})
	someKeys(t, b)
}

func allOffline(_ *testing.T, b *bench) {
	for _, id := range b.servers {
		b.account.SetOnline(id, false)
	}
}

func noServers(_ *testing.T, b *bench) {
	for _, id := range b.servers {
		b.account.RemoveServer(id)
	}
}
