package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/slacksim"
)

// Two approvals are needed; nobody answers in time, and the approvers are reminded
// once, after a third of the time.
func TestReminderBetweenTwoApprovals(t *testing.T) {
	t.Parallel()
	var clock clock
	r := start(t, plan{now: clock.now, config: func(c *config.Config) { c.Approvals = 2 }})
	r.Register(alice)
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
	asked := r.view(id).Request
	third := asked.CreatedAt.Add(asked.ExpiresAt.Sub(asked.CreatedAt) / 3)
	clock.reach(third.Add(-time.Hour)) // time enough for a machine that is slow
	r.must(r.app.service.Sweep(t.Context()))
	if early := r.view(id).Request.RemindedAt; !early.IsZero() {
		t.Errorf("they were reminded at %s, and a third of the time is over at %s", early, third)
	}
	clock.reach(third)
	r.until("the approvers are reminded", func() bool { return reminders() > 0 })
	r.says(r.Thread(id), "<@"+carol+">: request", "is still waiting")
	r.saysNot(r.Thread(id), "<@"+bob+">") // who has approved already
	clock.reach(asked.ExpiresAt)
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

// Eight approvers by name and some by their group see every change in their Home tab,
// and nobody who does something has to wait for Slack because of that.
func TestManyApproversLeaveSlackTheTime(t *testing.T) {
	t.Parallel()
	began := time.Now()
	more := []string{"U0AP1", "U0AP2", "U0AP3", "U0AP4", "U0AP5", "U0AP6"}
	r := start(t, plan{
		prepare: func(r *rig) {
			for _, id := range more {
				r.slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id), RealName: "Approver"})
			}
			r.slack.AddUserGroup("S0LEADS", "leads", more...)
		},
		config: func(c *config.Config) { c.Approvers = append(append(c.Approvers, "S0LEADS"), more...) },
	})
	for _, user := range []string{alice, dave, erin} {
		r.Register(user)
		r.Granted(user, "grant <@"+user+"> 1h")
	}
	r.until("the last change is in the Home tabs", func() bool {
		home, ok := r.slack.Home(bob)
		return ok && strings.Contains(r.slack.RenderView(home, slacksim.Viewer{TZ: time.UTC}), "@erin")
	})
	if n := r.tooFast(); n > 0 {
		t.Errorf("Slack refused %d calls for haste", n)
	}
	n := r.slack.Count("users.info")
	t.Logf("Slack was asked %d times who somebody is", n)
	if n > 40*(1+int(time.Since(began).Minutes())) { // timers ask, too, as time goes by
		t.Errorf("Slack was asked %d times who somebody is", n)
	}
}
