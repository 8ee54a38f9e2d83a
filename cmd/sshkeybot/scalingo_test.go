package main

import (
	"strings"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/scalingosim"
)

// An account is listed and taken back from the shell like servers, but for what it has not.
func TestAccountFromTheShell(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database, servers: 2, scalingo: true})
		key := r.Register(alice)
		r.Granted(alice, "grant @alice 1h on scalingo")
		if _, ok := r.scalingo.NewTokenByKey(key.Authorized(), "alice's laptop"); !ok {
			t.Fatalf("the key is not on the account: %+v", r.scalingo.Keys())
		}
		l := r.listed()
		if len(l.Grants) != 1 || l.Grants[0].SystemUser != "" || l.Grants[0].Pattern != "scalingo" || l.Grants[0].Placed != 1 {
			t.Errorf("listed: %+v", l)
		}
		shown := r.Shell("list").stdout
		r.says(shown, "on the Scalingo account", "1 key placed")
		r.saysNot(shown, " as ")

		end, out := r.Offboards(alice)
		var token candidateLine
		for _, c := range end.Candidates {
			token = c
		}
		if out.status != exitFailed || end.State != "undecided" || len(end.Candidates) != 1 || !token.Token || token.Fixed || token.Label != "alice's laptop" || token.Why != string(access.WhyToken) {
			t.Errorf("exit %d: %+v", out.status, end)
		}
		if left := r.scalingo.Keys(); len(left) != 0 {
			t.Errorf("left on the account: %+v", left)
		}
		again := r.Shell("offboard", alice, "--yes").stdout
		r.says(again, "2 servers and 1 account read", "API token that may be theirs", "collaborators of every app at Scalingo")
		r.saysNot(again, " as ")
	})
}

// Without a running bot the command does the work on the account, too, and tells when it cannot.
func TestOffboardFromAnAccountWithoutBot(t *testing.T) {
	t.Parallel()
	r := start(t, plan{sockets: true, servers: 1, scalingo: true})
	r.Register(alice)
	r.Granted(alice, "grant @alice 1h on scalingo")
	r.Ends()
	r.scalingo.SetOffline(true)
	owed := func(string) bool {
		o := r.offboarding(2)
		return len(o.Debt) == 2 && o.read == 1 // the key, and the reading of the account
	}
	end, out := r.OffboardsUntil(owed, alice)
	if out.status != exitFailed || end.State != "owed" || len(end.Debt) != 2 || end.Debt[0].ServerID != scalingosim.AccountID {
		t.Errorf("exit %d: %+v", out.status, end)
	}
	r.scalingo.SetOffline(false)
	out = r.Shell("offboard", alice, "--yes", "--timeout", patience.String())
	if left := r.scalingo.Keys(); out.status != exitDone || len(left) != 0 || !strings.Contains(out.stdout, "Offboarded "+alice) {
		t.Errorf("exit %d, left %+v: %s%s", out.status, left, out.stdout, out.stderr)
	}
}

// check proves the account, too, and says what lending it means.
func TestCheckOfAnAccount(t *testing.T) {
	t.Parallel()
	r := start(t, plan{sockets: true, servers: 1, scalingo: true})
	r.Register(alice)
	r.Granted(alice, "grant @alice 1h on scalingo")
	out := r.Shell("check")
	r.says(out.stdout, "account deploy", "1 key and 1 API token", "can tell its own API token", "act as the account")
	if out.status != exitDone {
		t.Errorf("exit %d: %s", out.status, out.stdout)
	}
	r.cfg.Scalingo = nil // for the settings of the shell
	out = r.Shell("check")
	r.says(out.stdout, "target scalingo", "scalingo is not configured any more")
	if out.status != exitFailed {
		t.Errorf("exit %d: %s", out.status, out.stdout)
	}
}
