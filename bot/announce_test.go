package bot

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
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
	if d := r.office.views[1].Drawing; d.Shown != d.Version || d.NextAt.Before(time.Now()) {
		t.Errorf("drawing %+v", d)
	}
}

func TestDraftsAreNotShown(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	if _, err := r.office.AskRevoke(t.Context(), access.RevokeAsk{Source: "s", Asker: "U2", Person: "U1", Channel: "C1"}); err != nil {
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
	if got := r.thread(t); len(got) != before+1 || len(r.office.told) != 2 || len(r.office.told[1]) != 1 {
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
	if _, ok := newest(r.office.views[1].Messages, "summary:add"); !ok {
		t.Error("no summary")
	}
	if _, ok := newest(r.office.views[1].Messages, "progress:add"); ok {
		t.Error("progress of what was over at once")
	}
	r.results(access.PhaseRemove, 3, access.Waiting)
	r.results(access.PhaseRemove, 3, access.Done)
	r.announce(t, 1)
	if _, ok := newest(r.office.views[1].Messages, "summary:remove"); !ok {
		t.Error("no summary of the end")
	}
}

func TestCrashRepeatsOneMessageAtMost(t *testing.T) {
	t.Parallel()
	for _, at := range []string{roleRequest, "tell", "summary:add"} {
		r := asked(t, slacksim.Options{})
		if at != roleRequest {
			r.announce(t, 1)
			r.running(t, 10, access.Done)
		}
		crashed := false
		r.office.crash = func(role string) error {
			if role == at && !crashed {
				crashed = true
				return errors.New("kill -9")
			}
			return nil
		}
		if err := r.announcer.Announce(t.Context(), 1); err == nil {
			t.Fatalf("%s: no crash", at)
		}
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
	if err := r.announcer.Announce(t.Context(), 1); access.CodeOf(err) != access.UnknownOutcome {
		t.Errorf("%v", err)
	}
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
		if err := r.announcer.Announce(t.Context(), 1); !temporary(err) {
			t.Errorf("%v", err)
		}
		if err := r.Outage(slacksim.Up); err != nil {
			t.Fatal(err)
		}
		r.announce(t, 1)
		if len(r.thread(t)) < 2 {
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
	if now := r.announce(t, 1); now.TS == old.TS || len(r.thread(t)) < 2 {
		t.Error("not posted anew")
	}
	// The same, but with nothing new to show in the message itself.
	last := r.request(t)
	r.deletes(t, last)
	r.office.views[1].Messages = slices.DeleteFunc(r.office.views[1].Messages, func(m access.Message) bool { return m.Role == "summary:add" })
	if now := r.announce(t, 1); now.TS == last.TS || len(r.thread(t)) < 1 {
		t.Error("not posted anew for its thread")
	}
}

func TestReminderOfADeletedRequest(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	old := r.announce(t, 1)
	r.deletes(t, old)
	r.office.notices[1] = &access.Notice{ID: 1, Kind: access.NoticeReminder, RequestID: 1}
	if err := r.announcer.SendNotice(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if now := r.request(t); now.TS == old.TS || len(now.Buttons()) == 0 || len(r.thread(t)) != 1 {
		t.Errorf("the approvers are reminded of nothing: %+v", r.Messages("C1"))
	}
}

// deletes removes a message as a person does by hand.
func (r *rig) deletes(t *testing.T, m slacksim.Message) {
	t.Helper()
	if _, _, err := r.announcer.API.client.DeleteMessageContext(t.Context(), m.Channel, m.TS); err != nil {
		t.Fatal(err)
	}
}

func TestLockedOutTellsHowToMendIt(t *testing.T) {
	t.Parallel()
	for name, channel := range map[string]slacksim.Channel{
		"private":  {ID: "C1", Name: "ops", Private: true, Members: []string{"U1"}},
		"archived": {ID: "C1", Name: "ops", Archived: true, Bot: true, Members: []string{"U1"}},
	} {
		r := asked(t, slacksim.Options{})
		r.AddChannel(channel)
		for range 2 {
			err := r.announcer.Announce(t.Context(), 1)
			if access.CodeOf(err) != access.Unavailable || access.RetryAfter(err) < time.Second {
				t.Errorf("%s: %v", name, err)
			}
		}
		dms := r.DMs("U1")
		if len(dms) != 1 || !strings.Contains(dms[0].Text, map[string]string{"private": "/invite @sshkey", "archived": "archived"}[name]) {
			t.Errorf("%s: %v", name, dms)
		}
		r.AddChannel(slacksim.Channel{ID: "C1", Name: "ops", Private: true, Members: []string{"U1"}, Bot: true})
		r.announce(t, 1)
	}
}

func TestOffboardingIsAnnouncedApart(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.AddChannel(slacksim.Channel{ID: "C9", Name: "announce", Bot: true})
	r.announcer.ApprovalChannel, r.announcer.AnnounceChannel = "C1", "C9"
	if _, err := r.office.ask(access.Request{Kind: access.KindOffboard, Source: "left", Person: "U4"}); err != nil {
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
	if len(all) != 1 || len(r.Thread("C9", all[0].TS)) < 2 || len(r.request(t).Buttons()) > 0 {
		t.Errorf("%v", all)
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.AddUser(slacksim.User{ID: "U4", Name: "dave", Deleted: true})
	r.announcer.AnnounceChannel = "C2"
	m := r.announce(t, 1)
	for id, n := range []access.Notice{
		{Kind: access.NoticeKeyWanted, To: "U2", RequestID: 1}, {Kind: access.NoticeHalted}, {Kind: access.NoticeReminder, RequestID: 1},
		{Kind: access.NoticeHome, To: "U2"}, {Kind: access.NoticeEnding, To: "U4", GrantID: 3}, {Kind: access.NoticeSummary},
	} {
		n.ID = int64(id + 1)
		r.office.notices[n.ID] = &n
		if err := r.announcer.SendNotice(t.Context(), n.ID); err != nil || r.office.notices[n.ID].SentAt.IsZero() {
			t.Errorf("%s: %v", n.Kind, err)
		}
	}
	if len(r.DMs("U2")) != 1 || len(r.Messages("C2")) != 1 || len(r.Thread("C1", m.TS)) != 2 {
		t.Errorf("%d direct, %d announced, %d in the thread", len(r.DMs("U2")), len(r.Messages("C2")), len(r.Thread("C1", m.TS))-1)
	}
	if _, ok := r.Home("U2"); !ok {
		t.Error("no Home tab")
	}
	r.office.notices[9] = &access.Notice{ID: 9, Kind: access.NoticeHalted}
	r.Fail("chat.postMessage", slacksim.Fault{Error: "internal_error"})
	if err := r.announcer.SendNotice(t.Context(), 9); !temporary(err) || !r.office.notices[9].SentAt.IsZero() {
		t.Errorf("%v", err)
	}
}
