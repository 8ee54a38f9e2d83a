package main

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

const clientToken = "client-token"

// twins are the servers of an account of three, by their ids.
func twins() []string { return []string{"web-01", "db-01", "shop-01"} }

// accounts serves the second RunCloud account, and returns the settings of both.
func (r *rig) accounts(cfg config.Config) []config.RunCloud {
	r.t.Helper()
	listener, err := r.host.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	r.client.Serve(listener)
	r.t.Cleanup(func() { _ = r.client.Close() })
	agency, client := cfg.RunClouds[0], cfg.RunClouds[0]
	agency.Name, client.Name = "agency", "client"
	client.Token, client.APIURL = config.NewSecret(clientToken), "http://"+listener.Addr().String()+"/api/v3"
	return []config.RunCloud{agency, client}
}

// has checks on how many servers of each account there is a key.
func (r *rig) has(when string, agency, client int) {
	r.t.Helper()
	if here, there := keysOn(r.account), keysOn(r.client); here != agency || there != client {
		r.t.Errorf("%s: keys on %d servers of agency and %d of client, want %d and %d", when, here, there, agency, client)
	}
}

func keysOn(account *runcloudsim.Account) (n int) {
	for _, server := range account.Servers() {
		if len(account.Keys(server.ID)) > 0 {
			n++
		}
	}
	return n
}

// homeOf returns the App Home of a person, as it is when they open it.
func (r *rig) homeOf(user string) string {
	r.t.Helper()
	_, err := r.slack.OpenHome(r.t.Context(), user)
	r.must(err)
	var shown string
	r.until("the App Home is drawn", func() bool {
		view, ok := r.slack.Home(user)
		shown = r.slack.RenderView(view, slacksim.Viewer{TZ: time.UTC})
		return ok && strings.Contains(shown, "access")
	})
	return shown
}

// Of two accounts with servers of the same names and ids, access to one reaches that alone, and
// everybody reads which one it is.
func TestGrantOnOneOfTwoAccounts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{servers: 3, client: twins(), database: database})
		r.Register(alice)
		r.says(r.Types(alice, "grant @alice 4h"), "several accounts", "`on client/web-*`", "`on agency/*` for all of agency", "`on *`")
		r.says(r.Types(alice, "grant @alice 4h on #1201"), "several servers `#1201`", "agency/#1201 or client/#1201")
		r.says(r.Types(alice, "grant @alice 4h on clinet/web-*"), "No server matches `clinet/web-*`", "one of agency, client", "client/web-01")
		if open := r.pending(); len(open) != 0 {
			t.Fatalf("asked for %+v", open)
		}
		id := r.Ask(alice, "grant @alice 4h on client/web-*")
		r.says(r.Message(id), "1 server matching `client/web-*`: `client/web-01`")
		r.says(r.Press(bob, id, "Approve"), "You approved")
		r.Settled(id)
		r.has("after the grant", 0, 1)
		r.says(r.Thread(id), "`client/web-01`")
		for typed, want := range map[string]string{"client/#1202": "client/db-01", "agency/tag:web": "agency/web-01", "tag:theirs": "client/shop-01"} {
			r.says(r.Message(r.Ask(alice, "grant @alice 2h on "+typed)), "`"+want+"`")
		}

		r.says(r.Types(bob, "servers"), "*6 servers* of 6 in 2 accounts", "`agency/web-01` #1201", "`client/web-01` #1201")
		r.saysNot(r.Types(bob, "servers client/*"), "agency/")
		r.says(r.Types(bob, "list"), "on 1 server: `client/web-01`")
		r.says(r.homeOf(alice), "client/web-01")
		r.says(r.Types(bob, "revoke @alice on agency/*"), "no access")
		r.has("after a revocation elsewhere", 0, 1)
	})
}

// An offboarding covers both accounts; one that refuses the token halts that one alone.
func TestOneOfTwoAccountsIsHalted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{servers: 3, client: twins(), database: database})
		r.Register(alice)
		r.Register(dave)
		both := r.Granted(alice, "grant @alice 4h on web-*")
		r.has("after the grant", 1, 1)
		r.client.SetToken("another")
		denied := r.Ask(dave, "grant @dave 1h on *")
		r.says(r.Press(bob, denied, "Approve"), "You approved")
		r.When(denied, "agency goes on", func(workflow.RequestView) bool { return keysOn(r.account) == 3 })
		r.until("the halt is told", func() bool { return strings.Contains(r.everything(), "RunCloud (client) refuses every call") })
		r.has("while client refuses", 3, 1)
		r.saysNot(r.everything(), "RunCloud (agency) refuses")
		_, ready := r.page("/readyz")
		r.says(ready, `"client":"the token is refused since`, `"agency":"ok"`)
		_, figures := r.page("/metrics")
		r.says(figures, `target="client"`, `target="agency"`)

		r.Types(bob, "offboard @alice")
		r.PressPrivate(bob, r.confirmButton(bob))
		r.until("what agency has of alice's is gone", func() bool { return len(r.account.Keys(r.servers[0])) == 1 })
		r.until("what client owes is listed", func() bool { return strings.Contains(r.Types(bob, "list"), "client/web-01") })
		r.client.SetToken(clientToken)
		r.until("client goes on", func() bool { return keysOn(r.client) == 3 && len(r.client.Keys(1201)) == 1 })
		r.When(both, "the access has ended", ended)
		r.until("it is said to be finished", func() bool { return strings.Contains(r.everything(), "RunCloud (client) accepts my calls again") })
	})
}

// Keys that were placed in the one account that there was go when its time is over, though it is one
// of two by another name then, and the bot cannot tell which before it has read both.
func TestKeysGoAfterOneAccountBecameTwo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		var two []config.RunCloud
		var clock jumpClock
		r := start(t, plan{servers: 3, client: []string{"blog-01", "blog-02"}, database: database, now: clock.now, config: func(c *config.Config) {
			two = c.RunClouds
			c.RunClouds = []config.RunCloud{{Name: "runcloud", Token: two[0].Token, APIURL: two[0].APIURL, TemporaryLifetime: 12 * time.Hour}}
		}})
		r.Register(alice)
		r.Register(dave)
		id := r.Granted(alice, "grant @alice 1h")
		long := r.Granted(dave, "grant @dave 8h on db-01")
		r.client.SetToken("another")
		r.Ends()
		r.cfg.RunClouds = two
		r.Starts()
		clock.reach(r.view(id).Grant.EndsAt.Add(time.Second))
		r.until("the end is due", func() bool { return r.view(id).Grant.State == access.Ended })
		r.until("what is owed is named", func() bool { return strings.Contains(r.Types(bob, "list"), "«runcloud»") })
		r.says(r.Types(dave, "grant @dave 1h on agency/web-01"), "has to wait")
		r.has("before both are known", 3, 0)

		r.Ends() // in the middle
		r.client.SetToken(clientToken)
		r.Starts()
		r.When(id, "the access has ended", ended)
		if left := len(r.account.AllKeys()); left != 1 {
			t.Errorf("%d keys are left, want that of the other grant", left)
		}
		r.until("it is announced", func() bool {
			return strings.Contains(r.everything(), "RunCloud (agency) is what I knew as `runcloud` before:")
		})
		r.says(r.Types(bob, "servers"), "*5 servers* of 5 in 2 accounts", "`agency/db-01`", "`client/blog-02`")
		r.says(r.Types(bob, "list"), "`agency/db-01`", "No key is left anywhere")
		r.says(r.Types(bob, "log"), "runcloud is agency now")

		r.Ends() // and back to one
		r.cfg.RunClouds = []config.RunCloud{{Name: "runcloud", Token: two[0].Token, APIURL: two[0].APIURL, TemporaryLifetime: 12 * time.Hour}}
		r.Starts()
		r.until("it has its former name", func() bool { return strings.Contains(r.Types(bob, "log"), "agency is runcloud now") })
		r.says(r.Types(bob, "servers runcloud/*"), "`db-01`")
		clock.reach(r.view(long).Grant.EndsAt.Add(time.Second))
		r.When(long, "the access has ended", ended)
		r.has("in the end", 0, 0)
	})
}

// At a shell, too, it is said of each server whose account it is.
func TestTwoAccountsFromTheShell(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database, servers: 3, client: twins()})
		r.Register(alice)
		r.says(r.Types(bob, "servers"), "*6 servers*")
		r.Granted(alice, "grant @alice 1h on client/web-*")
		r.client.AddKey(1202, runcloudsim.Credential{Label: "by hand", User: "root", PublicKey: keyOf(t, "by hand")})
		r.says(r.Shell("list").stdout, "on 1 server of client as runcloud")
		audit := r.Shell("audit", "client/*")
		r.says(audit.stdout, "client/db-01: credential")
		r.saysNot(audit.stdout, "agency/")
		r.says(r.Shell("audit", "#1202").stderr, "agency/#1202 or client/#1202")
		out := r.Shell("check")
		r.says(out.stdout, "runcloud agency", "runcloud client keys", "The account has 3 servers")
		if out.status != exitDone {
			t.Errorf("exit %d: %s", out.status, out.stdout)
		}
		two := r.cfg.RunClouds
		r.cfg.RunClouds = two[:1] // for the settings of the shell
		out = r.Shell("check")
		r.says(out.stdout, "target client", "client is not configured any more, and the ledger has 1 key there")
		if out.status != exitFailed {
			t.Errorf("exit %d: %s", out.status, out.stdout)
		}
		r.cfg.RunClouds = two
		end, _ := r.Offboards(alice)
		if end.State != "offboarded" || keysOn(r.client) != 1 {
			t.Errorf("offboarded: %+v", end)
		}
	})
}
