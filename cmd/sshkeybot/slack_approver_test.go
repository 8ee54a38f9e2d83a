package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/slacksim"
)

// Two approvals are needed. The approvers are reminded once, after a third of the time, and
// the request expires.
func TestReminderBetweenTwoApprovals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock jumpClock
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
		r.must(r.app.Sweep(t.Context()))
		if early := r.view(id).Request.RemindedAt; !early.IsZero() {
			t.Errorf("they were reminded at %s, and a third of the time is over at %s", early, third)
		}
		clock.reach(third)
		r.until("the approvers are reminded", func() bool { return reminders() > 0 })
		r.says(r.Thread(id), "<@"+carol+">: *request", "is still waiting")
		r.saysNot(r.Thread(id), "<@"+bob+">") // has approved already
		clock.reach(asked.ExpiresAt)
		r.When(id, "it has expired", state(access.Expired))
		r.until("the reminder says so", func() bool { return strings.Contains(r.Thread(id), "*Expired*") })
		if n := len(r.slack.Thread(ops, r.Posted(id).TS)); n != 2 {
			t.Errorf("%d messages, want the request and one reminder: %s", n, r.Thread(id))
		}
	})
}

// A quiet approver is mentioned by the reminder alone, and may have decided before; of what the
// only loud one asks, they hear at once.
func TestQuietApproverIsRemindedOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock jumpClock
		r := start(t, plan{now: clock.now, config: func(c *config.Config) { c.Approvers, c.ApproversQuiet = []string{bob}, []string{carol} }})
		r.Register(alice)
		r.Register(bob)
		id := r.Ask(alice, "grant @alice 1h")
		r.says(r.Message(id), "<@"+bob+">: please approve or deny")
		r.saysNot(r.Message(id), "<@"+carol+">")
		r.says(r.Types(carol, "pending"), "asks for SSH access")
		asked := r.view(id).Request
		clock.reach(asked.CreatedAt.Add(asked.ExpiresAt.Sub(asked.CreatedAt) / 3))
		r.until("she is reminded", func() bool { return strings.Contains(r.Thread(id), "<@"+carol+">: *request") })
		r.saysNot(r.Thread(id), "<@"+bob+">")
		r.says(r.Press(carol, id, "Approve"), "You approved")
		r.Settled(id)

		own := r.Ask(bob, "grant @bob 1h")
		r.says(r.Message(own), "<@"+carol+">: please approve or deny")
		r.says(r.Types(alice, "pending"), "Approvers are <@"+bob+"> <@"+carol+">")
		revoked := r.Ask(alice, "revoke @alice")
		r.says(r.Message(revoked), "<@"+bob+">: please approve or deny")
		r.saysNot(r.Message(revoked), "<@"+carol+">: ")
	})
}

// The only approver leaves while a request waits: whoever clicks is told, the request says
// that it waits for one, and the next request is refused at once.
func TestLastApproverLeavesWhileARequestWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
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
		r.until("the message says so", func() bool { return strings.Contains(r.Message(id), "Nobody is left who may decide this") })
		r.says(r.Types(dave, "grant @alice 1h"), "Nobody is left who may decide this", "SSHKEYBOT_APPROVERS")
		_, err = r.slack.Reactivate(t.Context(), bob)
		r.must(err)
		r.until("the message asks him again", func() bool { return strings.Contains(r.Message(id), "please approve or deny") })
		r.says(r.Press(bob, id, "Approve"), "You approved")
		r.Settled(id)
	})
}

// At a click, the present members of the group count, even if the group was read a moment ago.
func TestGroupChangesBetweenAskAndClick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{
			prepare: func(r *rig) { r.slack.AddUserGroup("S0LEADS", "leads", carol, erin) },
			config:  func(c *config.Config) { c.Approvers = []string{"S0LEADS"} },
		})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.Posted(id)
		r.slack.AddUserGroup("S0LEADS", "leads", dave, carol)
		r.says(r.Press(erin, id, "Approve"), "Only an approver may do this.")
		r.isOn(key, 0)
		r.says(r.Press(dave, id, "Approve"), "You approved")
		r.Settled(id)
		r.isOn(key, len(r.servers))

		last := r.Ask(alice, "grant @alice 2h")
		r.slack.AddUserGroup("S0LEADS", "leads")
		r.says(r.Press(dave, last, "Approve"), "Only an approver may do this.")
		r.says(r.Types(alice, "grant @alice 3h"), "Nobody is left who may decide this")
	})
}

// A group that Slack refuses for good is reported once, and does not keep approvers who are
// named from deciding.
func TestRefusedGroupShutsOutNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{config: func(c *config.Config) { c.Approvers = []string{bob, "S0GONE"} }})
		key := r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		r.isOn(key, len(r.servers))
		r.says(r.Types(bob, "list"), "<@"+alice+">")
		r.says(r.Types(carol, "list @alice"), "Only an approver")
		named := func() (n int) {
			for _, m := range r.slack.Messages(news) {
				if strings.Contains(m.Text, "S0GONE") {
					n++
				}
			}
			return n
		}
		r.until("the group is named", func() bool { return named() > 0 })
		r.Granted(alice, "grant @alice 2h")
		if n := named(); n != 1 {
			t.Errorf("it is named %d times: %s", n, r.everything())
		}
	})
}

// Eight approvers by name and some by their group see every change in their Home tab, and
// nobody who does something has to wait for Slack's rate limits because of that.
func TestManyApproversLeaveSlackTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
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
		if n > 40*(1+int(time.Since(began).Minutes())) { // timers also make some calls each minute
			t.Errorf("Slack was asked %d times who somebody is", n)
		}
	})
}
