package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// A hundred commands come in while Slack recycles, warns and cuts connections. Slack
// sets no limits, so that the connections can change often.
func TestHundredCommandsWhileSocketsChange(t *testing.T) {
	t.Parallel()
	const commands = 100 / slow
	r := start(t, plan{unpaced: true, slack: slacksim.Options{AckLimit: 3 * time.Second}}) // an acknowledgement that is lost is waited for
	r.Register(alice)
	over := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			[]func(){r.slack.Refresh, r.slack.Warn, r.slack.DropSockets}[i%3]()
			select {
			case <-over:
				return
			case <-time.After(2 * time.Second):
			}
		}
	})
	acked := make([]bool, commands)
	var typing sync.WaitGroup
	for n := range commands {
		<-time.After(100 * time.Millisecond)
		typing.Go(func() {
			acked[n] = r.typesUntilDelivered(carol, fmt.Sprintf("grant <@%s> 1h for command-%03d.", alice, n))
		})
	}
	typing.Wait()
	close(over)
	changing.Wait()
	lost := 0
	var made map[string]int
	r.until("every acknowledged command is a request", func() bool {
		made, lost = r.pendingByReason(), 0
		for n, ok := range acked {
			if ok && made[fmt.Sprintf("command-%03d.", n)] == 0 {
				lost++
			}
		}
		return lost == 0
	})
	sure := 0
	for n, ok := range acked {
		if ok {
			sure++
		}
		if times := made[fmt.Sprintf("command-%03d.", n)]; times > 1 {
			t.Errorf("command %d was carried out %d times", n, times)
		}
	}
	t.Logf("%d of %d commands were acknowledged, %d were carried out", sure, commands, len(made))
	if sure < commands*3/4 { // what was under way when a connection was cut may be lost, but nobody is told otherwise
		t.Errorf("only %d of %d commands were acknowledged", sure, commands)
	}
}

// typesUntilDelivered gives a command again as long as Slack says that it has nobody
// to give it to, and tells whether it was acknowledged.
func (r *rig) typesUntilDelivered(user, text string) bool {
	for {
		outcome, err := r.slack.Command(r.t.Context(), user, ops, "/sshkey "+text)
		if err != nil {
			r.t.Error(err)
			return false
		}
		if outcome.Error != "dispatch_failed" {
			return outcome.Acked
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-r.t.Context().Done():
			return false
		}
	}
}

func (r *rig) pendingByReason() map[string]int {
	pending, err := r.app.service.PendingRequests(context.WithoutCancel(r.t.Context()), bob)
	r.must(err)
	made := map[string]int{}
	for _, v := range pending {
		made[v.Request.Reason]++
	}
	return made
}

// again delivers an envelope once more, as it was.
func (r *rig) again(d slacksim.Delivery, accepts bool) {
	r.t.Helper()
	raw, err := json.Marshal(map[string]any{"envelope_id": d.EnvelopeID, "type": d.Type, "payload": d.Payload, "accepts_response_payload": accepts})
	r.must(err)
	r.must(r.slack.SendRaw(string(raw)))
}

// delivered answers the last envelope of a type.
func (r *rig) delivered(kind string) slacksim.Delivery {
	r.t.Helper()
	all := r.slack.Deliveries()
	for _, d := range slices.Backward(all) {
		if d.Type == kind {
			return d
		}
	}
	r.t.Fatalf("no %s was delivered", kind)
	return slacksim.Delivery{}
}

// Slack delivers again, long after the request was decided.
func TestLateDeliveriesChangeNothing(t *testing.T) {
	t.Parallel()
	r := start(t, plan{})
	key := r.Register(alice)
	id := r.Ask(alice, "grant @alice 1h")
	command := r.delivered("slash_commands")
	r.says(r.Press(bob, id, "Approve"), "You approved")
	click := r.delivered("interactive")
	r.Settled(id)
	answers := len(r.slack.Ephemeral(alice)) + len(r.slack.Ephemeral(bob))
	for _, late := range []slacksim.Delivery{command, click, command, click} {
		before := r.acks(late.EnvelopeID)
		r.again(late, late.Type == "slash_commands")
		r.until("the repeated delivery is acknowledged", func() bool { return r.acks(late.EnvelopeID) > before })
	}
	r.says(r.Press(carol, id, "Approve"), "This has been approved already. That was by <@"+bob+">")
	if n := len(r.slack.Ephemeral(alice)) + len(r.slack.Ephemeral(bob)); n != answers {
		t.Errorf("%d answers, want the %d of before", n, answers)
	}
	if asked, begun := r.audited("request.ask"), r.audited("grant.start"); asked != 1 || begun != 1 {
		t.Errorf("%d requests and %d grants, want 1 of each", asked, begun)
	}
	r.isOn(key, len(r.servers))
}

// acks counts the acknowledgements of an envelope, over all its deliveries.
func (r *rig) acks(envelope string) (n int) {
	for _, d := range r.slack.Deliveries() {
		if d.EnvelopeID == envelope {
			n += d.Acks
		}
	}
	return n
}

// The sockets are cut while the bot is about to acknowledge.
func TestLostAcknowledgements(t *testing.T) {
	t.Parallel()
	r := start(t, plan{})
	key := r.Register(alice)
	slow, shut := slacksim.Fault{Delay: 700 * time.Millisecond}, slacksim.Fault{Delay: 4 * time.Second}
	r.slack.Fail("users.info", slow)
	r.slack.Fail("apps.connections.open", shut, shut) // or the acknowledgement goes over another socket
	began := time.Now()
	var outcome slacksim.CommandResult
	var typing sync.WaitGroup
	typing.Go(func() {
		var err error
		if outcome, err = r.slack.Command(r.t.Context(), alice, ops, "/sshkey grant <@"+alice+"> 1h"); err != nil {
			t.Error(err)
		}
	})
	r.until("the command has arrived", func() bool { return time.Since(began) > r.app.bot.Health().EventAge })
	r.slack.DropSockets()
	typing.Wait()
	if outcome.Acked {
		t.Fatal("the acknowledgement was not lost")
	}
	r.until("the request is made", func() bool { return r.audited("request.ask") == 1 })
	r.until("the bot listens again", func() bool { return r.slack.Sockets() > 0 })
	r.again(r.delivered("slash_commands"), true)
	pending, err := r.app.service.PendingRequests(t.Context(), bob)
	r.must(err)
	if len(pending) != 1 {
		t.Fatalf("%d requests, want 1", len(pending))
	}
	id := pending[0].Request.ID
	r.Posted(id)

	r.slack.Fail("users.info", slow)
	typing.Go(func() { r.clicks(bob, id, "Approve") })
	r.When(id, "it is approved", state(access.Approved))
	r.slack.DropSockets()
	typing.Wait()
	r.until("the bot listens again", func() bool { return r.slack.Sockets() > 0 })
	r.again(r.delivered("interactive"), false)
	r.Settled(id)
	r.isOn(key, len(r.servers))
	if asked, begun := r.audited("request.ask"), r.audited("grant.start"); asked != 1 || begun != 1 {
		t.Errorf("%d requests and %d grants, want 1 of each", asked, begun)
	}
}
