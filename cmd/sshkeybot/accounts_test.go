package main

import (
	"testing"

	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
)

const clientToken = "client-token"

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

// keysOn returns on how many servers of an account there is a key.
func keysOn(account *runcloudsim.Account) (n int) {
	for _, server := range account.Servers() {
		if len(account.Keys(server.ID)) > 0 {
			n++
		}
	}
	return n
}

// Of two accounts with servers of the same names and ids, access to one reaches that alone.
func TestGrantOnOneOfTwoAccounts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{servers: 3, client: true, database: database})
		r.Register(alice)
		r.says(r.Types(alice, "grant @alice 4h"), "several accounts", "`on client/web-*`", "`on agency/*` for all of agency", "`on *`")
		r.says(r.Types(alice, "grant @alice 4h on #1201"), "several servers `#1201`", "agency/#1201 or client/#1201")
		r.says(r.Types(alice, "grant @alice 4h on clinet/web-*"), "No server matches `clinet/web-*`", "one of agency, client", "client/web-01")
		id := r.Granted(alice, "grant @alice 4h on client/web-*")
		if here, there := keysOn(r.account), keysOn(r.client); here != 0 || there == 0 {
			t.Errorf("keys on %d servers of agency and %d of client", here, there)
		}
		t.Log(r.Message(id))
		t.Log(r.Thread(id))
		t.Log(r.Types(bob, "servers"))
		t.Log(r.Types(bob, "servers client/*"))
		t.Log(r.Types(bob, "list"))
	})
}
