package outbox

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

func TestRequestIsPostedOnceAndUpdated(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	first := r.announce(t, 1)
	if !slices.Contains(first.Mentions(), "<@U2>") || len(first.Buttons()) < 3 {
		t.Errorf("mentions %v, buttons %v", first.Mentions(), first.Buttons())
	}
	r.announce(t, 1)
	r.running(t, 0, "")
	second := r.announce(t, 1)
	if second.TS != first.TS || len(second.Buttons()) > 0 || r.Count("chat.postMessage") != 1 || r.Count("chat.update") != 1 {
		t.Errorf("%d posts, %d updates, buttons %v", r.Count("chat.postMessage"), r.Count("chat.update"), second.Buttons())
	}
	if d := r.Domain.Views[1].Drawing; d.Shown != d.Version || d.NextAt.Before(time.Now()) {
		t.Errorf("drawing %+v", d)
	}
}

func TestDraftsAreNotShown(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	if _, err := r.Domain.AskRevoke(t.Context(), workflow.RevokeAsk{Source: "s", Asker: "U2", Person: "U1", Channel: "C1"}); err != nil {
		t.Fatal(err)
	}
	if err := r.announcer.Announce(t.Context(), 1); err != nil || len(r.Messages("C1")) > 0 {
		t.Error(err, r.Messages("C1"))
	}
}

func TestRetriedFailureIsToldAgain(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.announce(t, 1)
	r.running(t, 3, access.Done)
	r.set(1, func(x *access.Result) { x.State, x.Problem = access.Failed, access.ProblemRefused })
	r.announce(t, 1)
	before := len(r.thread(t))
	r.set(1, func(x *access.Result) { x.State, x.Problem = access.Done, access.NoProblem })
	r.announce(t, 1)
	if got := r.thread(t); len(got) != before+1 || len(r.Domain.Told) != 2 || len(r.Domain.Told[1]) != 1 {
		t.Errorf("%d messages after %d", len(got), before)
	}
}

func TestOfflineServerDoesNotHoldUpTheSummary(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.announce(t, 1)
	r.running(t, 3, access.Done)
	r.set(2, func(x *access.Result) { x.State, x.Problem = access.Waiting, access.ProblemOffline })
	r.announce(t, 1)
	if _, ok := newest(r.Domain.Views[1].Messages, "summary:add"); !ok {
		t.Error("no summary")
	}
	if _, ok := newest(r.Domain.Views[1].Messages, "progress:add"); ok {
		t.Error("progress of what was over at once")
	}
	r.results(access.PhaseRemove, 3, access.Waiting)
	r.results(access.PhaseRemove, 3, access.Done)
	r.announce(t, 1)
	if _, ok := newest(r.Domain.Views[1].Messages, "summary:remove"); !ok {
		t.Error("no summary of the end")
	}
}

func TestCrashRepeatsOneMessageAtMost(t *testing.T) {
	t.Parallel()
	for _, at := range []string{roleRequest, "tell", "summary:add"} {
		r := asked(t, slacksim.Options{})
		if at != roleRequest {
			r.announce(t, 1)
			r.failing(t, 100) // in several messages
		}
		crashed := false
		r.Domain.OnMessage = func(role string) error {
			if role == at && !crashed {
				crashed = true
				return errors.New("kill -9")
			}
			return nil
		}
		r.unshown(t, 1)
		posts := r.Count("chat.postMessage")
		r.announce(t, 1)
		r.announce(t, 1)
		repeated := map[string]int{}
		for _, m := range append(r.Messages("C1"), r.thread(t)...) {
			repeated[m.Text]++
		}
		doubles := 0
		for _, n := range repeated {
			doubles += n - 1
		}
		if doubles != 1 {
			t.Errorf("%s: %d repeated, %d posts before", at, doubles, posts)
		}
	}
}

func TestLostAnswerOfAPostIsNotRepeatedBlindly(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.Fail("chat.postMessage", slacksim.Fault{Cut: true, After: true})
	r.unshown(t, 1)
	if n := len(r.Messages("C1")); n != 1 {
		t.Errorf("%d posts", n)
	}
}

func TestSlackAwayInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, kind := range []slacksim.Outage{slacksim.Unavailable, slacksim.Refused} {
		r := asked(t, slacksim.Options{})
		r.announce(t, 1)
		r.running(t, 3, access.Done)
		if err := r.Outage(kind); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if wait := r.unshown(t, 1); wait > maxTemporaryWait {
				t.Errorf("due again only in %s", wait)
			}
		}
		if err := r.Outage(slacksim.Up); err != nil {
			t.Fatal(err)
		}
		r.announce(t, 1)
		if len(r.thread(t)) < 1 {
			t.Error("the messages did not catch up")
		}
	}
}

func TestDeletedMessagesArePostedAnew(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	old := r.announce(t, 1)
	r.deletes(t, old)
	r.running(t, 3, access.Done)
	if now := r.announce(t, 1); now.TS == old.TS || len(r.thread(t)) < 1 {
		t.Error("not posted anew")
	}
	// The same, but with nothing new to show in the message itself.
	last := r.Request(t)
	r.deletes(t, last)
	r.Domain.Views[1].Messages = slices.DeleteFunc(r.Domain.Views[1].Messages, func(m delivery.Message) bool { return m.Role == "summary:add" })
	if now := r.announce(t, 1); now.TS == last.TS || len(r.thread(t)) < 1 {
		t.Error("not posted anew for its thread")
	}
}

// deletes removes a message as a person does by hand.
func (r *rig) deletes(t *testing.T, m slacksim.Message) {
	t.Helper()
	if _, _, err := slack.New(r.BotToken(), slack.OptionAPIURL(r.URL), slack.OptionHTTPClient(r.HTTP)).DeleteMessageContext(t.Context(), m.Channel, m.TS); err != nil {
		t.Fatal(err)
	}
}

func TestClosedChannelIsMended(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		channel slacksim.Channel
		fault   slacksim.Fault
		says    string
	}{
		"private":    {slacksim.Channel{Private: true}, slacksim.Fault{}, "/invite` and <@%s>"},
		"archived":   {slacksim.Channel{Archived: true, Bot: true}, slacksim.Fault{}, "is archived"},
		"restricted": {slacksim.Channel{Bot: true}, slacksim.Fault{Error: "restricted_action_thread_only_channel"}, "let <@%s> post"},
		"something":  {slacksim.Channel{Bot: true}, slacksim.Fault{Error: "bad_luck"}, "refuses it (bad_luck)"},
	} {
		r := asked(t, slacksim.Options{})
		tt.channel.ID, tt.channel.Name, tt.channel.Members = "C1", "ops", []string{"U1"}
		r.AddChannel(tt.channel)
		for range 2 {
			if tt.fault.Error != "" {
				r.Fail("chat.postMessage", tt.fault)
			}
			r.unshown(t, 1)
		}
		says := strings.ReplaceAll(tt.says, "%s", r.BotUserID())
		if dms := r.DMs("U1"); len(dms) != 1 || !strings.Contains(dms[0].Text, says) || !strings.Contains(dms[0].Text, "<#C1>") {
			t.Errorf("%s: %v", name, dms)
		}
		r.AddChannel(slacksim.Channel{ID: "C1", Name: "ops", Private: true, Members: []string{"U1"}, Bot: true})
		r.announce(t, 1)
	}
}

// The channel that is closed is named, not another one.
func TestClosedAnnounceChannelIsNamed(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.AddChannel(slacksim.Channel{ID: "C9", Name: "announce", Private: true})
	r.announcer.ApprovalChannel, r.announcer.AnnounceChannel = "C1", "C9"
	if _, err := r.Domain.Ask(access.Request{Kind: access.KindOffboard, Source: "left", Asker: "U2", Person: "U4", State: access.Approved}); err != nil {
		t.Fatal(err)
	}
	r.unshown(t, 1)
	if dms := r.DMs("U2"); len(dms) != 1 || !strings.Contains(dms[0].Text, "<#C9>") {
		t.Errorf("%v", dms)
	}
}

// What Slack refuses for a reason that only a person can change is asked less and less often.
func TestRefusedDrawingIsPutOff(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.announce(t, 1)
	r.running(t, 0, "")
	before := time.Duration(0)
	for range 15 {
		r.Fail("chat.update", slacksim.Fault{Error: "bad_luck"})
		wait := r.unshown(t, 1)
		if wait < min(2*before, slackapi.MaxBackoff)-time.Minute || wait > slackapi.MaxBackoff {
			t.Errorf("due again in %s after %s", wait, before)
		}
		before = wait
	}
	r.announce(t, 1)
	if d := r.Domain.Views[1].Drawing; d.Attempts != 0 || d.Shown != d.Version {
		t.Errorf("after it was shown: %+v", d)
	}
}

// Slack does not take the form of a message: its text must be seen all the same, and
// the buttons of what is decided must go.
func TestMessageWhoseFormSlackRefuses(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"invalid_blocks", "msg_too_long", "msg_blocks_too_long"} {
		r := asked(t, slacksim.Options{})
		r.announce(t, 1)
		r.running(t, 0, "")
		r.Fail("chat.update", slacksim.Fault{Error: code})
		if m := r.announce(t, 1); len(m.Buttons()) > 0 || !strings.Contains(m.Text, "Slack takes only the text") || strings.Contains(m.Text, "please approve") {
			t.Errorf("%s: buttons %v\n%s", code, m.Buttons(), m.Text)
		}
		calls := r.Count("chat.update")
		r.announce(t, 1)
		if n := r.Count("chat.update"); n != calls {
			t.Errorf("%s: the same was sent again", code)
		}
	}
}

func TestOffboardingIsAnnouncedApart(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.AddChannel(slacksim.Channel{ID: "C9", Name: "announce", Bot: true})
	r.announcer.ApprovalChannel, r.announcer.AnnounceChannel = "C1", "C9"
	if _, err := r.Domain.Ask(access.Request{Kind: access.KindOffboard, Source: "left", Person: "U4"}); err != nil {
		t.Fatal(err)
	}
	r.announce(t, 1) // pending: the approvers are asked
	if len(r.Messages("C9")) != 0 {
		t.Error("announced before it was decided")
	}
	r.running(t, 0, "")
	r.results(access.PhaseRemove, 2, access.Done)
	r.announce(t, 1)
	all := r.Messages("C9")
	if len(all) != 1 || len(r.Thread("C9", all[0].TS)) < 2 || len(r.Request(t).Buttons()) > 0 {
		t.Errorf("%v", all)
	}
}

func TestNewestMessageStands(t *testing.T) {
	t.Parallel()
	all := []delivery.Message{{Role: "a", TS: "1.9"}, {Role: "a", TS: "2.1"}, {Role: "a", TS: "2.0"}, {Role: "b", TS: "3.0"}}
	if m, ok := newest(all, "a"); !ok || m.TS != "2.1" {
		t.Error(m)
	}
	if _, ok := newest(all, "c"); ok {
		t.Error("found nothing's message")
	}
}
