package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/slacksim"
)

// healthAt returns a change of the settings that serves the health pages on a free port, and
// stores the address.
func healthAt(t *testing.T, addr *string) func(*config.Config) {
	t.Helper()
	// Another program may take the port before the bot does, but hardly on an address that
	// nobody else uses.
	listener, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.N(254), rand.N(256), 1+rand.N(254)))
	if err != nil { // some systems have only one loopback address
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	*addr = listener.Addr().String()
	_ = listener.Close()
	return func(c *config.Config) { c.HTTPAddr = *addr }
}

// ready reports whether /readyz answers 200.
func (r *rig) ready(addr string) bool {
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+addr+"/readyz", nil)
	r.must(err)
	answer, err := r.web().Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Slack is unreachable for a while after it has received the acknowledgement of commands that
// are not carried out yet.
func TestCommandsSurviveSlackAway(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]slacksim.Outage{"503": slacksim.Unavailable, "nobody listens": slacksim.Refused} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var addr string
				r := start(t, plan{servers: 120, latency: 200 * time.Millisecond, config: healthAt(t, &addr)})
				key := r.Register(alice)
				r.Register(dave)
				id := r.Ask(alice, "grant @alice 1h")
				other := r.Ask(erin, "grant @dave 1h on web-*")
				r.Posted(other)
				r.until("the bot is ready", func() bool { return r.ready(addr) })
				r.says(r.Press(bob, id, "Approve"), "You approved")
				r.until("the run has begun", func() bool { return r.placed(key) > 0 })

				// Acknowledged, but not handled yet when Slack becomes unreachable.
				r.slack.Fail("users.info", slices.Repeat([]slacksim.Fault{{Status: http.StatusServiceUnavailable}}, 1000)...)
				r.acked(r.clicks(carol, other, "Approve"))
				r.must(r.slack.Outage(kind))
				r.slack.ClearFaults()
				r.until("it is not ready without Slack", func() bool { return !r.ready(addr) })
				r.until("RunCloud's work goes on without Slack", func() bool { return r.placed(key) == 120 })
				r.must(r.slack.Outage(slacksim.Up))
				r.until("it is ready again", func() bool { return r.ready(addr) })

				r.Settled(id)
				r.toldWhole(id, 120)
				r.When(other, "the click before the outage counts", state(access.Approved))
				r.Settled(other)
				r.until("Carol is told", func() bool {
					all := r.private(carol)
					return len(all) > 0 && strings.HasPrefix(all[len(all)-1].Text, "You approved request")
				})
				if n := r.doubles(ops); n > 1 {
					t.Errorf("%d messages are doubled\n%s", n, r.everything())
				}
			})
		})
	}
}

// doubles returns the number of messages in a channel that have the same text as another one.
func (r *rig) doubles(channel string) (n int) {
	for _, m := range r.slack.Messages(channel) {
		seen := map[string]bool{}
		for _, reply := range r.slack.Thread(channel, m.TS) {
			if text := reply.Text + fmt.Sprint(reply.Files); seen[text] {
				n++
			} else {
				seen[text] = true
			}
		}
	}
	return n
}

// Slack keeps the sockets open but sends nothing over them any more, and at first refuses to
// open others.
func TestNotReadyWhileDeaf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var addr string
		r := start(t, plan{config: healthAt(t, &addr)})
		r.Register(alice)
		r.until("the bot is ready", func() bool { return r.ready(addr) })
		const sockets = 2
		r.until("it holds all its sockets", func() bool { return r.slack.Sockets() == sockets })
		opened := r.slack.Count("apps.connections.open")
		r.slack.DropSockets()
		r.until("it is ready again after lost sockets, each of which has a successor", func() bool {
			return r.slack.Count("apps.connections.open") >= opened+sockets && r.slack.Sockets() == sockets && r.ready(addr)
		})

		r.slack.Fail("apps.connections.open", slices.Repeat([]slacksim.Fault{{Status: http.StatusServiceUnavailable}}, 1000)...)
		r.slack.Deafen()
		r.until("it is not ready when it is deaf", func() bool { return !r.ready(addr) })
		r.slack.ClearFaults()
		r.until("it is ready again", func() bool { return r.ready(addr) })
		r.until("commands come in again", func() bool {
			outcome, err := r.slack.Command(t.Context(), alice, ops, "/sshkey list")
			return err == nil && outcome.Acked
		})
	})
}
