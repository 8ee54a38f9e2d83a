package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

func TestUnansweredRequestExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock jumpClock
		r := start(t, plan{now: clock.now})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.Posted(id)
		clock.reach(r.view(id).Request.ExpiresAt)
		r.When(id, "it has expired", state(access.Expired))
		r.says(r.Message(id), "*Expired*", "nobody decided in time")
		if buttons := r.Posted(id).Buttons(); len(buttons) != 0 {
			t.Errorf("an expired request still has buttons: %+v", buttons)
		}
		r.says(r.Press(bob, id, "Approve"), "This request has expired unanswered.")
		r.isOn(key, 0)
	})
}

func TestPersonWithoutKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		answer := r.Types(alice, "grant @dave 1h")
		id := r.numberIn(answer)
		r.says(answer, "It waits until <@"+dave+"> registers a public key")
		r.says(r.Message(id), "Waiting for a key")
		r.until("Dave is asked for his key", func() bool { return len(r.slack.DMs(dave)) > 0 })
		r.says(r.DMs(dave), "I need your SSH public key.", "<@"+alice+"> asked for SSH access for you")

		key, _, err := sshkey.Generate()
		r.must(err)
		r.Fill(dave, r.slack.DMs(dave)[0], "Register a key", map[string]string{"key": key.Line("dave")})
		r.When(id, "it is with the approvers", state(access.Pending))
		r.says(r.Message(id), "please approve or deny")
		r.says(r.Press(bob, id, "Approve"), "You approved")
		r.Settled(id)
		r.isOn(key, len(r.servers))
	})
}

func TestDenyWithReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		before := r.Fill(bob, r.Posted(id), "Deny", map[string]string{"reason": "Not during the freeze"})
		r.says(r.answer(bob, before), "You denied request")
		r.When(id, "it is denied", state(access.Denied))
		r.says(r.Message(id), "*Denied* by <@"+bob+">", "Reason: Not during the freeze")
		r.until("Alice is told", func() bool { return strings.Contains(r.DMs(alice), "Not during the freeze") })
		r.says(r.Press(carol, id, "Approve"), "This has been denied already. That was by <@"+bob+">")
		r.isOn(key, 0)
	})
}

func TestOnlyTheAskerCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		key := r.Register(dave)
		id := r.Ask(alice, "grant @dave 1h")
		for _, other := range []string{bob, dave} {
			r.says(r.Press(other, id, "Withdraw"), "Only the person who asked can withdraw this.")
		}
		r.says(r.Press(alice, id, "Withdraw"), "is withdrawn")
		r.When(id, "it is cancelled", state(access.Cancelled))
		r.says(r.Message(id), "*Withdrawn* by <@"+alice+">")
		r.says(r.Press(bob, id, "Approve"), "This has been withdrawn already. That was by <@"+alice+">")
		r.isOn(key, 0)
	})
}

func TestApproverNarrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 9})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 12h on web-*,db-*")
		asked := len(r.view(id).Servers)
		before := r.Fill(bob, r.Posted(id), "Edit", map[string]string{"duration": "1h", "servers": "web-*"})
		r.says(r.answer(bob, before), "is changed")
		v := r.When(id, "it is narrowed", func(v workflow.RequestView) bool { return v.Request.NarrowedBy != "" })
		r.says(r.Message(id), "<@"+bob+"> shortened this; asked for was 12h", "<@"+bob+"> narrowed this; asked for was `web-*,db-*`")
		if left := len(v.Servers); left == 0 || left >= asked {
			t.Errorf("%d servers are left of %d", left, asked)
		}
		r.says(r.Press(carol, id, "Approve"), "You approved")
		done := r.Settled(id)
		if lasts := done.Grant.EndsAt.Sub(done.Grant.StartsAt); lasts != time.Hour {
			t.Errorf("the grant lasts %s, want the shortened 1h", lasts)
		}
		for _, server := range r.servers {
			if has := len(r.copies(server, "runcloud", key)) == 1; has != strings.HasPrefix(r.nameOf(server), "web-") {
				t.Errorf("key on %s: %v", r.nameOf(server), has)
			}
		}
		r.says(r.Message(id), "asked for was 12h", "asked for was `web-*,db-*`")
	})
}

func TestApproversOfAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{
			prepare: func(r *rig) { r.slack.AddUserGroup("S0LEADS", "leads", carol, erin) },
			config:  func(c *config.Config) { c.Approvers = []string{"S0LEADS"} },
		})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.says(r.Message(id), "<!subteam^S0LEADS>")
		r.says(r.Press(bob, id, "Approve"), "Only an approver may do this.")
		r.says(r.Press(erin, id, "Approve"), "You approved")
		r.Settled(id)
		r.isOn(key, len(r.servers))
	})
}

func TestTwoApprovals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{config: func(c *config.Config) { c.Approvals = 2 }})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.says(r.Press(bob, id, "Approve"), "It needs another approver as well.")
		r.says(r.Press(bob, id, "Approve"), "You have approved this already")
		r.When(id, "the first approval is shown", func(v workflow.RequestView) bool { return len(v.Approvals) == 1 })
		r.says(r.Message(id), "1 of 2 approvals given by <@"+bob+">")
		r.isOn(key, 0)
		r.says(r.Press(carol, id, "Approve"), "You approved")
		r.Settled(id)
		r.says(r.Message(id), "*Approved* by <@"+bob+">, <@"+carol+">")
		r.isOn(key, len(r.servers))
	})
}

// strangers returns users who may not take part, by what they are told.
func strangers() map[string]slacksim.User {
	return map[string]slacksim.User{
		"guests of this workspace":                      {ID: "U0GUEST", Name: "guest", IsRestricted: true},
		"guests of this workspace are not given":        {ID: "U0GUEST1", Name: "guest1", IsRestricted: true, IsUltraRestricted: true},
		"the Slack account is deactivated":              {ID: "U0GONE", Name: "gone", Deleted: true},
		"only members of this workspace itself":         {ID: "U0ELSE", Name: "elsewhere", TeamID: "T0OTHER", IsStranger: true},
		"only members of this workspace itself are":     {ID: "U0PARTNER", Name: "partner", TeamID: "T0OTHER"},
		"only members of this workspace itself are giv": {ID: "U0TEAMLESS", Name: "teamless", NoTeam: true},
		"bots have no keys here":                        {ID: "U0ROBOT", Name: "robot", IsBot: true},
	}
}

func TestWhoIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{prepare: func(r *rig) {
			members := []string{alice, bob, r.slack.BotUserID()}
			for _, u := range strangers() {
				r.slack.AddUser(u)
				members = append(members, u.ID)
			}
			r.slack.AddChannel(slacksim.Channel{ID: ops, Name: "ops", Members: members})
		}})
		r.Register(alice)
		for why, u := range strangers() {
			r.says(r.Types(alice, "grant @"+u.Name+" 1h"), "cannot be given access: "+why)
			r.says(r.Types(u.ID, "grant @alice 1h"), "You cannot use this: "+why)
			r.says(r.Types(u.ID, "list"), "You cannot use this: "+why)
		}
		for text, answer := range map[string]string{
			"grant @nobody 1h":            "I cannot tell who that is",
			"grnt @alice 1h":              "Did you mean `/sshkey grant`?",
			"frobnicate":                  "I do not know that command. `/sshkey help` shows all.",
			"grant @alice 1h please":      "I do not understand `please`.",
			"grant @alice -1h":            "cannot be negative",
			"grant @alice 1h on nothing*": "nothing",
			"grant @alice 1h as root":     "Keys are not placed for the system user `root` here.",
			"grant @alice 99d":            "the longest grant is 30",
		} {
			r.says(r.Types(alice, text), answer)
		}
		if posted := r.slack.Messages(ops); len(posted) > 0 {
			t.Errorf("a refused command was posted: %+v", posted)
		}
		if pending := r.pending(); len(pending) > 0 {
			t.Errorf("a refused command made a request: %+v", pending)
		}
	})
}

// Whether somebody may take part is looked up at every click, not only when they ask.
func TestDeactivatedBetweenAskAndClick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{config: func(c *config.Config) { c.OffboardDeactivated = config.OffboardDeactivatedOff }})
		key := r.Register(dave)
		id := r.Ask(alice, "grant @dave 1h")
		r.Posted(id)
		r.slack.AddUser(slacksim.User{ID: bob, Name: "bob", Deleted: true})
		r.says(r.Press(bob, id, "Approve"), "You cannot use this: the Slack account is deactivated")
		r.slack.AddUser(slacksim.User{ID: dave, Name: "dave", Deleted: true})
		r.says(r.Press(carol, id, "Approve"), "<@"+dave+"> cannot be given access: the Slack account is deactivated")
		if s := r.view(id).Request.State; s != access.Pending {
			t.Errorf("the request is %s, want it pending still", s)
		}
		r.isOn(key, 0)
	})
}

func TestNobodyLeftToDecide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{config: func(c *config.Config) { c.Approvers = []string{alice} }})
		r.Register(alice)
		r.says(r.Types(alice, "grant @alice 1h"), "Nobody is left who may decide this")
	})
}
