package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// afterCreates does something once, when that many keys have been placed.
func (r *rig) afterCreates(n int64, do func()) {
	var placed atomic.Int64
	r.account.OnCall(func(c runcloudsim.Call) {
		if c.Op == runcloudsim.OpCreate && c.Phase == runcloudsim.After && c.Applied && placed.Add(1) == n {
			do()
		}
	})
}

func TestTokenRefusedInTheMiddle(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{servers: 60, latency: 20 * time.Millisecond, database: database})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.afterCreates(25, func() { r.account.SetToken("another") })
		r.says(r.Press(bob, id, "Approve"), "You approved")
		halts := func() (n int) {
			for _, m := range r.slack.Messages(news) {
				n += strings.Count(m.Text, "RunCloud refuses every call of mine (401)")
			}
			return n
		}
		r.until("the team is told", func() bool { return halts() > 0 })
		said := r.slack.Messages(news)[0].Text
		r.says(said, "The token is wrong or was revoked", "IP allow list", "Nothing is lost")
		stopped := r.placed(key)
		if stopped < 25 || stopped >= 60 {
			t.Errorf("%d servers have the key, want the work stopped in the middle", stopped)
		}
		r.account.SetToken(runcloudsim.DefaultToken)
		r.Settled(id)
		r.isOn(key, 60)
		r.says(r.Message(id), "*Granted* on 60 of 60 servers")
		if n := halts(); n != 1 {
			t.Errorf("the team was told %d times, want once", n)
		}
		r.until("the team is told that it goes on", func() bool {
			all := r.slack.Messages(news)
			return strings.Contains(all[len(all)-1].Text, "RunCloud accepts my calls again")
		})
	})
}

// Slack refuses the app-level token, so nobody can reach the bot any more. The bot says so,
// and removes the keys all the same.
func TestAppTokenRefusedInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock jumpClock
		r := start(t, plan{now: clock.now})
		key := r.Register(alice)
		id := r.Granted(alice, "grant @alice 1h")
		r.isOn(key, len(r.servers))
		r.slack.Fail("apps.connections.open", slices.Repeat([]slacksim.Fault{{Error: "token_revoked"}}, 100)...)
		r.slack.DropSockets()
		r.until("it shows", func() bool {
			err := r.app.SlackConnected(t.Context())
			return err != nil && strings.Contains(err.Error(), "token_revoked")
		})
		clock.reach(r.view(id).Grant.EndsAt)
		r.When(id, "the access has ended", ended)
		r.isOn(key, 0)
	})
}

// Whatever Slack delivers twice, and however often sockets change, everything happens once.
func TestSlackRepeatsAndReconnects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 40, latency: 100 * time.Millisecond})
		key := r.Register(alice)
		r.slack.DuplicateNext(1)
		id := r.Ask(alice, "grant @alice 1h")
		r.Posted(id)
		r.slack.DuplicateNext(1)
		r.says(r.Press(bob, id, "Approve"), "You approved")
		r.slack.Refresh()
		r.until("the first keys are placed", func() bool { return r.placed(key) > 2 })
		r.slack.DropSockets()
		r.says(r.pressUntilHeard(carol, id, "Approve"), "This has been approved already. That was by <@"+bob+">")
		r.Settled(id)
		r.isOn(key, 40)
		if n := r.audited("request.ask"); n != 1 {
			t.Errorf("%d requests were made, want 1", n)
		}
		if n := r.audited("grant.start"); n != 1 {
			t.Errorf("%d grants were started, want 1", n)
		}
		if n := len(r.slack.Messages(ops)); n != 1 {
			t.Errorf("%d messages in the channel, want the request alone", n)
		}
		if n := len(r.private(alice)); n != 2 {
			t.Errorf("Alice was answered %d times, want once for each of two commands", n)
		}
	})
}

// pressUntilHeard presses a button, again while Slack says that the app did not answer.
func (r *rig) pressUntilHeard(user string, id int64, label string) string {
	r.t.Helper()
	m, before := r.Posted(id), len(r.private(user))
	r.until("a click gets through", func() bool {
		ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Second) // less than the simulated Slack waits
		defer cancel()
		outcome, err := r.slack.ClickStale(ctx, user, m.Channel, m.TS, slacksim.Pick{Label: label})
		if !errors.Is(err, context.DeadlineExceeded) {
			r.must(err)
		}
		return outcome.Acked
	})
	return r.answer(user, before)
}

func TestSlackAwayInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]slacksim.Outage{"503": slacksim.Unavailable, "nobody listens": slacksim.Refused} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, plan{servers: 30, latency: 50 * time.Millisecond})
				key := r.Register(alice)
				id := r.Ask(alice, "grant @alice 1h")
				var away atomic.Bool
				r.afterCreates(5, func() {
					go func() {
						if err := r.slack.Outage(kind); err != nil {
							t.Error(err)
						}
						away.Store(true)
					}()
				})
				r.clicks(bob, id, "Approve") // the answer may be lost in the outage
				r.until("Slack is away", away.Load)
				r.until("RunCloud's work goes on without Slack", func() bool { return r.placed(key) == 30 })
				r.saysNot(r.Message(id), "*Granted*")
				r.must(r.slack.Outage(slacksim.Up))
				r.Settled(id)
				r.says(r.Message(id), "*Granted* on 30 of 30 servers")
				thread := r.Thread(id)
				for _, server := range r.servers {
					if n := strings.Count(thread, "`"+r.nameOf(server)+"`"); n != 1 {
						t.Errorf("%s is %d times in the thread, want once", r.nameOf(server), n)
					}
				}
				r.until("the bot listens again", func() bool { return r.slack.Sockets() > 0 })
				r.says(r.Types(alice, "done"), "You gave back")
				r.When(id, "the access has ended", func(v workflow.RequestView) bool { return ended(v) })
				r.isOn(key, 0)
			})
		})
	}
}
