package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
)

// BenchmarkRemovalsFirst revokes access to 50 servers while a grant on 400 others is being
// carried out and RunCloud allows 120 calls a minute: the removals wait only for each other.
func BenchmarkRemovalsFirst(b *testing.B) {
	const limit, revoked, granted = 120, 50, 400
	for b.Loop() {
		r := start(b, plan{servers: revoked + granted})
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

		begin := time.Now()
		r.Types(bob, "revoke @carol")
		r.PressPrivate(bob, "Revoke")
		before := len(r.account.Calls())
		r.until("every revoked key is gone", func() bool { return r.placed(carols) == 0 })
		took := time.Since(begin)
		additions := additionsBeforeLastRemoval(r.account.Calls()[before:])
		ideal := time.Duration(revoked) * time.Minute / limit
		b.ReportMetric(took.Seconds(), "s-to-remove-50")
		b.ReportMetric(took.Seconds()/ideal.Seconds(), "x-of-own-calls")
		b.ReportMetric(float64(r.account.Count429()), "429s")
		b.ReportMetric(float64(additions), "additions-meanwhile")
		if n, minutes := r.account.Count429(), 1+int(took.Minutes()); n > minutes { // in a minute whose calls are used up, one call finds out
			b.Errorf("RunCloud answered 429 %d times in %d minutes", n, minutes)
		}
		if additions > revoked { // the calls under way end
			b.Errorf("%d keys were placed before the last was removed", additions)
		}
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
