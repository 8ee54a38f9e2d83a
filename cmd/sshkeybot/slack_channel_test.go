package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// deletes deletes a message as a person can.
func (r *rig) deletes(m slacksim.Message) {
	r.t.Helper()
	form := url.Values{"token": {r.slack.BotToken()}, "channel": {m.Channel}, "ts": {m.TS}}
	answer, err := r.web().PostForm(r.cfg.Slack.APIURL+"chat.delete", form)
	r.must(err)
	_ = answer.Body.Close()
	if now, _ := r.slack.Message(m.Channel, m.TS); !now.Deleted {
		r.t.Fatal("the message was not deleted")
	}
}

// Replaced waits until a request has another message than the old one, and returns it when it
// is complete.
func (r *rig) Replaced(id int64, old slacksim.Message) slacksim.Message {
	r.t.Helper()
	var now slacksim.Message
	r.until(fmt.Sprintf("request %d has a new message", id), func() bool {
		for _, m := range r.messages(id) {
			if found, ok := r.slack.Message(m.Channel, m.TS); m.Role == "request" && m.TS > old.TS && ok && !found.Deleted {
				now = found
				return true
			}
		}
		return false
	})
	return now
}

func TestDeletedByHandBeforeTheDecision(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock jumpClock
		r := start(t, plan{now: clock.now})
		r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		old := r.Posted(id)
		r.deletes(old)
		r.says(r.Types(bob, "pending"), fmt.Sprintf("Request %d", id), "waits until")
		asked := r.view(id).Request
		clock.jump(asked.ExpiresAt.Sub(asked.CreatedAt) / 3)
		now := r.Replaced(id, old) // at the latest when the approvers are reminded
		r.says(now.Text, "please approve or deny")
		r.until("the approvers are reminded", func() bool { return strings.Contains(r.threadBelow(now), "waiting") })
		clock.reach(asked.ExpiresAt)
		r.When(id, "it has expired", state(access.Expired))
		if n := len(r.slack.Messages(ops)); n != 1 {
			t.Errorf("%d messages stand in the channel, want 1", n)
		}
	})
}

// threadBelow returns the texts in the thread of a message.
func (r *rig) threadBelow(m slacksim.Message) string {
	var all []string
	for _, reply := range r.slack.Thread(m.Channel, m.TS) {
		if reply.TS != m.TS {
			all = append(all, reply.Text)
		}
	}
	return strings.Join(all, "\n")
}

func TestDeletedByHandDuringTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 60, latency: 500 * time.Millisecond})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		r.says(r.Press(bob, id, "Approve"), "You approved")
		r.until("the run has begun", func() bool { return r.placed(key) > 0 })
		old := r.Posted(id)
		r.deletes(old)
		now := r.Replaced(id, old)
		v := r.Settled(id)
		thread := r.threadBelow(now)
		r.says(thread, "60")
		told := thread + r.threadBelow(old) // what was in the old thread stays there
		for _, server := range r.servers {
			if !strings.Contains(told, "`"+r.nameOf(server)+"`") {
				t.Errorf("%s is in no thread", r.nameOf(server))
			}
		}
		if v.Request.State != access.Approved {
			t.Errorf("the request is %s", v.Request.State)
		}
		r.isOn(key, 60)
	})
}

// The bot cannot post to the approval channel: the asker is told once how to fix that,
// everything else goes on, and afterwards the requests appear by themselves.
func TestClosedChannelIsMended(t *testing.T) {
	t.Parallel()
	members := []string{alice, bob, carol, dave, erin}
	open := slacksim.Channel{ID: ops, Name: "ops", Private: true, Members: members, Bot: true}
	for name, tt := range map[string]struct {
		closed slacksim.Channel
		says   []string
	}{
		"not invited": {slacksim.Channel{ID: ops, Name: "ops", Private: true, Members: members}, []string{"not a member", "/invite` and <@U0BOT>"}},
		"archived":    {slacksim.Channel{ID: ops, Name: "ops", Members: members, Bot: true, Archived: true}, []string{"is archived", "Unarchive it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, plan{servers: 60, latency: 100 * time.Millisecond, prepare: moreChannels})
				key := r.Register(alice)
				r.Register(dave)
				running := r.Ask(alice, "grant @alice 1h")
				r.says(r.Press(bob, running, "Approve"), "You approved")
				r.slack.AddChannel(tt.closed)
				answer, _ := r.TypesIn(calm, dave, "grant <@"+dave+"> 1h on web-*")
				id := r.numberIn(answer)
				r.until("Dave is told how to mend it", func() bool { return strings.Contains(r.DMs(dave), "I cannot show request") })
				r.says(r.DMs(dave), append(tt.says, fmt.Sprintf("request %d", id), "<#"+ops+">", "The request itself is kept.")...)
				r.until("the run goes on", func() bool { return r.placed(key) == 60 })
				list, _ := r.TypesIn(calm, alice, "list")
				r.says(list, "60 servers")

				r.slack.AddChannel(open)
				r.says(r.Posted(id).Text, "please approve or deny")
				r.says(r.Press(bob, id, "Approve"), "You approved")
				r.Settled(id)
				r.Settled(running)
				r.toldWhole(running, 60)
				if n := strings.Count(r.DMs(dave), "I cannot show request"); n != 1 {
					t.Errorf("Dave was told %d times, want once\n%s", n, r.DMs(dave))
				}
			})
		})
	}
}

// The complete list cannot be attached as a file: the thread contains all of it, other
// requests and phases go on, and the bot does not try for ever.
func TestFileCannotBeAttached(t *testing.T) {
	t.Parallel()
	broken := make([]slacksim.Fault, 1000)
	for i := range broken {
		broken[i] = slacksim.Fault{Status: http.StatusBadGateway}
	}
	for name, tt := range map[string]struct {
		prepare func(*rig)
		says    string
	}{
		"HTTP error":    {func(r *rig) { r.slack.Fail("files.getUploadURLExternal", broken...) }, "The messages above name every server."},
		"missing scope": {func(r *rig) { r.slack.SetScopes("commands", "chat:write", "im:write", "users:read", "usergroups:read") }, "lacks the scope `files:write`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, plan{servers: 200, prepare: tt.prepare})
				key := r.Register(alice)
				id := r.Ask(alice, "grant @alice 1h")
				r.says(r.Press(bob, id, "Approve"), "You approved")
				r.until("the result is summed up", func() bool {
					return strings.Contains(r.Message(id), "*Granted* on 200 of 200") && strings.Contains(r.Thread(id), "Placed on all 200 servers")
				})
				r.toldWhole(id, 200)
				r.says(r.Types(alice, "done"), "You gave back")
				r.until("the removal is shown", func() bool { return strings.Contains(r.Message(id), "Access ended") })
				r.until("all keys are gone", func() bool { return r.placed(key) == 0 })
				r.until("the thread says that the file is missing", func() bool { return strings.Count(r.Thread(id), tt.says) == 2 })
				r.When(id, "all is shown", ended)
				if n := r.slack.Count("files.getUploadURLExternal"); n > 2*4 {
					t.Errorf("two files were tried %d times", n)
				}
			})
		})
	}
}
