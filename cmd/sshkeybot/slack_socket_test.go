package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// A hundred commands are given, ten at a time, while Slack replaces, warns about and cuts
// connections. Slack sets no rate limits, so that connections can change often.
func TestHundredCommandsWhileSocketsChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const commands, atATime, changes = 100, 10, 6
		r := start(t, plan{unpaced: true})
		r.Register(alice)
		r.addCrowd(commands / atATime) // a person may have ten open requests
		acked := make([]bool, commands)
		turns := make(chan struct{}, atATime)
		var typing sync.WaitGroup
		for n := range commands {
			turns <- struct{}{}
			typing.Go(func() {
				defer func() { <-turns }()
				acked[n] = r.typesUntilDelivered(crowd(n/atATime), reasonOf(n))
			})
			if each := commands / changes; n%each == each-1 {
				[]func(){r.slack.Refresh, r.slack.Warn, r.slack.DropSockets}[n/each%3]()
			}
		}
		typing.Wait()
		lost := 0
		var made map[string]int
		r.until("every acknowledged command is a request", func() bool {
			made, lost = r.pendingByReason(), 0
			for n, ok := range acked {
				if ok && made[reasonOf(n)] == 0 {
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
			if times := made[reasonOf(n)]; times > 1 {
				t.Errorf("command %d was carried out %d times", n, times)
			}
		}
		t.Logf("%d of %d commands were acknowledged, %d were carried out", sure, commands, len(made))
		if sure == 0 { // one that was under way when its connection was cut may be lost, but was not acknowledged then
			t.Error("no command was acknowledged")
		}
	})
}

func reasonOf(n int) string { return fmt.Sprintf("command-%03d.", n) }

// typesUntilDelivered gives a command that asks for access, again while Slack says that no app
// is connected, and reports whether it was acknowledged.
func (r *rig) typesUntilDelivered(user, reason string) bool {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for {
		outcome, err := r.slack.Command(ctx, user, ops, fmt.Sprintf("/sshkey grant <@%s> 1h for %s", alice, reason))
		if err != nil {
			r.t.Error(err)
			return false
		}
		if outcome.Error != "dispatch_failed" {
			return outcome.Acked
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			r.t.Errorf("nobody listened to %s", reason)
			return false
		}
	}
}

func (r *rig) pendingByReason() map[string]int {
	made := map[string]int{}
	for _, v := range r.pending() {
		made[v.Request.Reason]++
	}
	return made
}

// again delivers an envelope once more, unchanged.
func (r *rig) again(d slacksim.Delivery, accepts bool) {
	r.t.Helper()
	raw, err := json.Marshal(map[string]any{"envelope_id": d.EnvelopeID, "type": d.Type, "payload": d.Payload, "accepts_response_payload": accepts})
	r.must(err)
	r.must(r.slack.SendRaw(string(raw)))
}

// delivered returns the last envelope of a type.
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

// Slack delivers envelopes again, long after the request was decided.
func TestLateDeliveriesChangeNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		command := r.delivered("slash_commands")
		r.says(r.Press(bob, id, "Approve"), "You approved")
		click := r.delivered("interactive")
		r.Settled(id)
		answers := len(r.private(alice)) + len(r.private(bob))
		for _, late := range []slacksim.Delivery{command, click, command, click} {
			r.redelivered(late, late.Type == "slash_commands")
		}
		r.says(r.Press(carol, id, "Approve"), "This has been approved already. That was by <@"+bob+">")
		if n := len(r.private(alice)) + len(r.private(bob)); n != answers {
			t.Errorf("%d answers, want the %d of before", n, answers)
		}
		if asked, begun := r.audited("request.ask"), r.audited("grant.start"); asked != 1 || begun != 1 {
			t.Errorf("%d requests and %d grants, want 1 of each", asked, begun)
		}
		r.isOn(key, len(r.servers))
	})
}

// acks returns the number of acknowledgements of an envelope, over all its deliveries.
func (r *rig) acks(envelope string) (n int) {
	for _, d := range r.slack.Deliveries() {
		if d.EnvelopeID == envelope {
			n += d.Acks
		}
	}
	return n
}

// The sockets are cut while the bot is about to acknowledge. Slack tells people that the bot
// did not answer, and delivers again, but everything happens once.
func TestLostAcknowledgements(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log printed
		r := start(t, plan{log: &log, slack: slacksim.Options{AckLimit: ackLimit}})
		key := r.Register(alice)
		before := len(r.private(alice))
		command := r.losesAck(&log, "slash_commands", func(ctx context.Context) {
			_, _ = r.slack.Command(ctx, alice, ops, "/sshkey grant <@"+alice+"> 1h") // Slack does not receive the acknowledgement
		})
		id := r.numberIn(r.answer(alice, before)) // so the answer is sent in another way
		r.redelivered(command, true)
		m := r.Posted(id)

		before = len(r.private(bob))
		click := r.losesAck(&log, "interactive", func(ctx context.Context) {
			_, _ = r.slack.ClickStale(ctx, bob, m.Channel, m.TS, slacksim.Pick{Label: "Approve"}) // the same for the click
		})
		r.says(r.answer(bob, before), "You approved")
		r.redelivered(click, false)
		r.Settled(id)
		r.isOn(key, len(r.servers))
		if asked, begun := r.audited("request.ask"), r.audited("grant.start"); asked != 1 || begun != 1 {
			t.Errorf("%d requests and %d grants, want 1 of each", asked, begun)
		}
	})
}

// losesAck has somebody do something while the ledger is locked, cuts every socket, and lets
// the bot store the envelope and acknowledge it over a dead socket. It returns the delivery
// when the bot is connected again.
func (r *rig) losesAck(log *printed, kind string, does func(context.Context)) slacksim.Delivery {
	r.t.Helper()
	const sockets, vain = 2, "an acknowledgement could not be sent"
	r.until("the bot holds all its sockets", func() bool { return r.slack.Sockets() == sockets })
	r.slack.Fail("apps.connections.open", slices.Repeat([]slacksim.Fault{{Status: http.StatusServiceUnavailable}}, 1000)...)
	release := r.holdLedger()
	defer release()
	var doing sync.WaitGroup
	defer doing.Wait()
	ctx, leave := context.WithCancel(r.t.Context())
	defer leave()
	tried := strings.Count(log.String(), vain)
	doing.Go(func() { does(ctx) })
	synctest.Wait() // it has arrived, and waits for the ledger
	r.slack.DropSockets()
	r.until("no socket is left", func() bool { return r.slack.Sockets() == 0 && r.app.SlackConnected(r.t.Context()) != nil })
	release()
	r.until("the bot gives up to acknowledge", func() bool { return strings.Count(log.String(), vain) > tried })
	lost := r.delivered(kind)
	if lost.Acked() {
		r.t.Error("the acknowledgement was not lost")
	}
	leave()
	r.slack.ClearFaults()
	r.until("the bot listens again", func() bool { return r.slack.Sockets() > 0 })
	return lost
}

// holdLedger makes every change of the ledger wait until it is released.
func (r *rig) holdLedger() (release func()) {
	r.t.Helper()
	held, over := make(chan struct{}), make(chan struct{})
	hold := sync.OnceFunc(func() { close(held) })
	ctx := context.WithoutCancel(r.t.Context())
	var holding sync.WaitGroup
	holding.Go(func() {
		if err := r.app.Store.Update(ctx, func(access.Tx) error { hold(); <-over; return nil }); err != nil {
			r.t.Error(err)
		}
	})
	<-held
	return sync.OnceFunc(func() { close(over); holding.Wait() })
}

// redelivered delivers an envelope once more, and waits for its acknowledgement.
func (r *rig) redelivered(d slacksim.Delivery, accepts bool) {
	r.t.Helper()
	before := r.acks(d.EnvelopeID)
	r.again(d, accepts)
	r.until("the repeated delivery is acknowledged", func() bool { return r.acks(d.EnvelopeID) > before })
}
