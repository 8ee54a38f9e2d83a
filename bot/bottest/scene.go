package bottest

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// Ample is how long a test waits for what must come; only a failing one waits it out.
const Ample = time.Minute

// Scene is a workspace of six people, U1 to U6, with the channels C1, which the bot is in,
// and C2, which it is not. It is reached over a network of its own in memory.
type Scene struct {
	*slacksim.Workspace
	Domain *domain
	URL    string // of Slack's Web API
	HTTP   *http.Client
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns a Scene, which ends with the test.
func New(t *testing.T, o slacksim.Options) *Scene {
	t.Helper()
	o.AckLimit, o.TriggerLife = cmp.Or(o.AckLimit, 2*Ample), cmp.Or(o.TriggerLife, 2*Ample)
	var network memnet.Network
	o.Listen = network.Listen
	w := slacksim.New(o)
	url, err := w.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	var members []string
	for i, name := range []string{"alice", "bob", "carol", "dave", "erin", "frank"} {
		id := fmt.Sprintf("U%d", i+1)
		w.AddUser(slacksim.User{ID: id, Name: name})
		members = append(members, id)
	}
	w.AddChannel(slacksim.Channel{ID: "C1", Name: "ops", Members: members, Bot: true})
	w.AddChannel(slacksim.Channel{ID: "C2", Name: "random", Members: members})
	transport := &http.Transport{DialContext: network.DialContext, MaxIdleConnsPerHost: 50}
	t.Cleanup(transport.CloseIdleConnections)
	return &Scene{Workspace: w, Domain: newDomain(), URL: url, HTTP: &http.Client{Transport: transport, Timeout: Ample}, Dial: network.DialContext}
}

// Unlimited is the speed of calls whose pace and circuit breakers have no effect: the
// played limits are off, and ours have tests of their own.
const Unlimited = 1e9

// API returns a client of the workspace that is so many times faster than Slack's limits.
func (s *Scene) API(speed float64) *slackapi.Client {
	return slackapi.New(slackapi.Config{Token: s.BotToken(), URL: s.URL, HTTP: s.HTTP, Plain: render.Plain, Speed: speed})
}

// Until waits for a condition that comes true after calls and messages.
func (s *Scene) Until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Ample)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// Request returns the message of the only request.
func (s *Scene) Request(t *testing.T) slacksim.Message {
	t.Helper()
	all := s.Messages("C1")
	if len(all) == 0 {
		t.Fatal("no request was posted")
	}
	return all[len(all)-1]
}

// Drawing returns how much of a request has been shown.
func (s *Scene) Drawing(id int64) delivery.Drawing {
	s.Domain.Lock()
	defer s.Domain.Unlock()
	return s.Domain.Views[id].Drawing
}

// Queue puts a notice into the ledger that is to be sent.
func (s *Scene) Queue(id int64, n access.Notice) {
	s.Domain.Lock()
	defer s.Domain.Unlock()
	s.Domain.Notices[id] = &delivery.Notice{Notice: n, ID: id}
}

// Approve approves request 1.
func (s *Scene) Approve(t *testing.T) {
	t.Helper()
	if _, err := s.Domain.Decide(t.Context(), workflow.Decision{RequestID: 1, Actor: "U3", Verdict: access.Approve}); err != nil {
		t.Fatal(err)
	}
}
