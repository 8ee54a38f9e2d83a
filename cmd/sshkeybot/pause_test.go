package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
)

// If RunCloud asks to wait for a day, the thread says so, and does not announce an end within
// a minute.
func TestThreadSaysUntilWhenRunCloudAsksToWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
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
		if calls := r.account.Count(runcloudsim.OpAny); calls > 30 { // calls that were under way when the first one was refused
			t.Errorf("%d calls during the pause", calls)
		}
	})
}
