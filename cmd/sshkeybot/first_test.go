package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
)

// A key on 3 servers is revoked while a long grant on 40 is renewed and RunCloud
// takes 60 calls a minute: the removals do not wait behind the renewals.
func TestRevocationGoesBeforeRenewals(t *testing.T) {
	t.Parallel()
	var ahead clock
	r := start(t, plan{servers: 40, now: ahead.now})
	r.Register(alice)
	carols := r.Register(carol)
	r.Settled(r.Granted(carol, fmt.Sprintf("grant @carol 30d on #%d,#%d,#%d", r.servers[0], r.servers[1], r.servers[2])))
	r.Settled(r.Granted(alice, "grant @alice 30d"))
	r.account.SetRateLimit(60, runcloudsim.LimitOptions{RetryAfter: true})
	r.account.ResetCalls()
	ahead.jump(11*time.Hour + 30*time.Minute)
	r.until("renewals are under way", func() bool { return r.account.Count(runcloudsim.OpCreate) >= 5 })
	before := len(r.account.Calls())
	r.Types(bob, "revoke @carol")
	r.PressPrivate(bob, "Revoke")
	r.until("every revoked key is gone", func() bool { return r.placed(carols) == 0 })
	if renewed := additionsBeforeLastRemoval(r.account.Calls()[before:]); renewed > 20 {
		t.Errorf("%d keys were renewed before the last was removed", renewed)
	}
}

// RunCloud asks for a day: the thread says so, and does not promise the end in a minute.
func TestThreadSaysUntilWhenRunCloudAsksToWait(t *testing.T) {
	t.Parallel()
	r := start(t, plan{servers: 30})
	r.Register(alice)
	r.Settled(r.Granted(alice, "grant @alice 2h"))
	r.account.ResetCalls()
	r.account.Fault(runcloudsim.FaultRule{Kind: runcloudsim.FaultTooMany, RetryAfter: 24 * time.Hour})
	r.Types(bob, "revoke @alice")
	r.PressPrivate(bob, "Revoke")
	r.until("the thread says what it waits for", func() bool {
		return strings.Contains(r.everything(), "RunCloud asks me to wait until")
	})
	r.saysNot(r.everything(), "minute left", "min left")
	if calls := r.account.Count(runcloudsim.OpAny); calls > 30 { // those that were under way at the first refusal
		t.Errorf("%d calls during the pause", calls)
	}
}
