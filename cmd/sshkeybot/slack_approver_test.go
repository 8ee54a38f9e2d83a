package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
)

// Two approvals are needed; nobody answers in time, and the approvers are reminded
// once, after a third of the time.
func TestReminderBetweenTwoApprovals(t *testing.T) {
	t.Parallel()
	const ttl = slow * 12 * time.Second
	r := start(t, plan{config: func(c *config.Config) { c.Approvals, c.RequestTTL = 2, ttl }})
	r.Register(alice)
	began := time.Now()
	id := r.Ask(alice, "grant @alice 1h")
	r.says(r.Press(bob, id, "Approve"), "It needs another approver as well.")
	reminders := func() (n int) {
		for _, reply := range r.slack.Thread(ops, r.Posted(id).TS)[1:] {
			if strings.Contains(reply.Text, "<@"+bob+">") || strings.Contains(reply.Text, "<@"+carol+">") {
				n++
			}
		}
		return n
	}
	r.until("the approvers are reminded", func() bool { return reminders() > 0 })
	if early := time.Since(began); early < ttl/3-time.Second {
		t.Errorf("they were reminded after %s of %s", early, ttl)
	}
	r.says(r.Thread(id), "<@"+carol+">: request", "is still waiting")
	r.saysNot(r.Thread(id), "<@"+bob+">") // who has approved already
	r.When(id, "it has expired", state(access.Expired))
	if n := reminders(); n != 1 {
		t.Errorf("%d reminders, want 1: %s", n, r.Thread(id))
	}
}

// The only approver leaves while a request waits: whoever clicks is told, and the
// request is refused, as the next one is at once.
func TestLastApproverLeavesWhileARequestWaits(t *testing.T) {
	t.Parallel()
	r := start(t, plan{config: func(c *config.Config) {
		c.Approvers = []string{bob}
		c.OffboardDeactivated = config.OffboardDeactivatedOff
	}})
	r.Register(alice)
	id := r.Ask(alice, "grant @alice 1h")
	r.Posted(id)
	_, err := r.slack.Deactivate(t.Context(), bob)
	r.must(err)
	r.says(r.Press(bob, id, "Approve"), "You cannot use this: the Slack account is deactivated")
	r.says(r.Press(carol, id, "Approve"), "Only an approver may do this.")
	r.When(id, "it is refused", state(access.Denied))
	r.until("the message says so", func() bool { return strings.Contains(r.Message(id), "Nobody is left who may decide it") })
	r.says(r.Types(dave, "grant @alice 1h"), "Nobody is left who may decide this", "SSHKEYBOT_APPROVERS")
}

// Who is in the group counts at the click, give or take the quarter of a minute for
// which the bot remembers a group.
func TestGroupChangesBetweenAskAndClick(t *testing.T) {
	t.Parallel()
	r := start(t, plan{
		prepare: func(r *rig) { r.slack.AddUserGroup("S0LEADS", "leads", carol, erin) },
		config:  func(c *config.Config) { c.Approvers = []string{"S0LEADS"} },
	})
	key := r.Register(alice)
	id := r.Ask(alice, "grant @alice 1h")
	r.Posted(id)
	r.slack.AddUserGroup("S0LEADS", "leads", dave, carol)
	r.until("the bot has noticed", func() bool {
		is, err := r.app.service.IsApprover(context.WithoutCancel(t.Context()), erin)
		return err == nil && !is
	})
	r.says(r.Press(erin, id, "Approve"), "Only an approver may do this.")
	r.isOn(key, 0)
	r.says(r.Press(dave, id, "Approve"), "You approved")
	r.Settled(id)
	r.isOn(key, len(r.servers))

	last := r.Ask(alice, "grant @alice 2h")
	r.slack.AddUserGroup("S0LEADS", "leads")
	r.until("the bot has noticed", func() bool {
		is, err := r.app.service.IsApprover(context.WithoutCancel(t.Context()), dave)
		return err == nil && !is
	})
	r.says(r.Press(dave, last, "Approve"), "Only an approver may do this.")
	r.says(r.Types(alice, "grant @alice 3h"), "Nobody is left who may decide this")
}
