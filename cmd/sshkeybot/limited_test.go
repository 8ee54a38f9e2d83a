package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
)

// Access to 150 servers is granted while RunCloud allows 120 calls a minute: it takes no longer than
// that many calls, and RunCloud refuses one at most.
func TestGrantWithinTheRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const servers, limit = 150, 120
		r := start(t, plan{servers: servers, latency: 50 * time.Millisecond})
		r.account.SetRateLimit(limit, runcloudsim.LimitOptions{RetryAfter: true})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 12h")
		r.Posted(id)
		began := time.Now()
		r.acked(r.clicks(bob, id, "Approve"))
		took := r.lastConfirmed(id, servers).Sub(began)
		r.isOn(key, servers)
		r.checkPace(took, servers+4, limit) // calls for the list of servers come first
		if n := r.account.Count429(); n > 1 {
			t.Errorf("RunCloud answered 429 %d times, want once at most", n)
		}
	})
}

// Access to 50 servers is revoked while a grant on 400 others is being carried out and RunCloud allows
// 120 calls a minute: the removals wait only for each other.
func TestRemovalsGoBeforeAdditions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, revoked, granted = 120, 50, 400
		r := start(t, plan{servers: revoked + granted})
		carols := r.Register(carol)
		var fifty []string
		for _, id := range r.servers[:revoked] {
			fifty = append(fifty, fmt.Sprintf("#%d", id))
		}
		r.account.SetRateLimit(limit, runcloudsim.LimitOptions{RetryAfter: true})
		r.account.ResetCalls()
		first := r.Granted(carol, "grant @carol 2h on "+strings.Join(fifty, ","))
		r.Settled(first)
		r.Register(alice)
		r.Press(bob, r.Ask(alice, "grant @alice 2h"), "Approve")
		r.until("the minute is nearly used up", func() bool { return r.account.Count(runcloudsim.OpAny) >= limit-10 })

		began := time.Now()
		r.Types(bob, "revoke @carol")
		r.PressPrivate(bob, "Revoke")
		before := len(r.account.Calls())
		r.until("every revoked key is gone", func() bool { return r.placed(carols) == 0 })
		took := time.Since(began)
		calls := r.account.Calls()[before:]
		additions, pages := additionsBeforeLastRemoval(calls), 0
		for _, c := range calls {
			if c.Op == runcloudsim.OpListServers {
				pages++
			}
		}
		t.Logf("%s for %d removals, with %d additions meanwhile", took, revoked, additions)
		if took > time.Minute+5*time.Second { // the calls of the next minute are enough
			t.Errorf("%d removals took %s", revoked, took)
		}
		if most := 2 * (revoked + granted) / 40; pages > most { // one reading is enough, for all of them
			t.Errorf("%d pages of the list of servers were read, want at most %d", pages, most)
		}
		if n, minutes := r.account.Count429(), 1+int(took.Minutes()); n > minutes { // in a minute whose calls are used up, one call finds out
			t.Errorf("RunCloud answered 429 %d times in %d minutes", n, minutes)
		}
		if additions > revoked { // the calls under way end
			t.Errorf("%d keys were placed before the last was removed", additions)
		}
	})
}

// checkPace checks that it took hardly longer to make calls than a limit of so many a minute allows.
func (r *rig) checkPace(took time.Duration, calls, limit int) {
	r.t.Helper()
	ratio := took.Minutes() * float64(limit) / float64(calls)
	r.t.Logf("%s for %d calls at %d a minute: %.2f of what the limit allows", took, calls, limit, ratio)
	if ratio > 1.2 {
		r.t.Errorf("%d calls took %s, %.2f of what the limit allows", calls, took, ratio)
	}
}

func additionsBeforeLastRemoval(calls []runcloudsim.Call) int {
	additions, atLast := 0, 0
	for _, c := range calls {
		switch c.Op {
		case runcloudsim.OpCreate:
			additions++
		case runcloudsim.OpDelete:
			atLast = additions
		}
	}
	return atLast
}
