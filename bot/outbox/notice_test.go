package outbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/slacksim"
)

func TestReminderOfADeletedRequest(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	old := r.announce(t, 1)
	r.deletes(t, old)
	r.Queue(1, access.Notice{Kind: access.NoticeReminder, RequestID: 1})
	if err := r.announcer.SendNotice(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if now := r.Request(t); now.TS == old.TS || len(now.Buttons()) == 0 || len(r.thread(t)) != 1 {
		t.Errorf("the approvers are reminded of nothing: %+v", r.Messages("C1"))
	}
	r.Approve(t)
	r.announce(t, 1)
	for _, reminder := range r.thread(t) {
		if len(reminder.Buttons()) > 0 {
			t.Errorf("the reminder keeps its buttons: %s", reminder.Text)
		}
	}
}

// A key came: Slack tells nobody of the mentions that an edit brings, so the thread has them.
func TestApproversHearThatAKeyCame(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	notice := func(id int64) {
		t.Helper()
		r.Queue(id, access.Notice{Kind: access.NoticeDecidable, RequestID: 1})
		if err := r.announcer.SendNotice(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	notice(1) // before the request is posted, which mentions them itself
	if n := len(r.Messages("C1")); n != 0 {
		t.Errorf("%d messages before the request", n)
	}
	r.announce(t, 1)
	notice(2)
	if thread := r.thread(t); len(thread) != 1 || !slices.Contains(thread[0].Mentions(), "<@U2>") {
		t.Errorf("%v", thread)
	}
	r.running(t, 0, "")
	notice(3) // decided meanwhile
	if n := len(r.thread(t)); n != 1 {
		t.Errorf("%d messages in the thread", n)
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.AddUser(slacksim.User{ID: "U4", Name: "dave", Deleted: true})
	r.announcer.AnnounceChannel = "C2"
	m := r.announce(t, 1)
	for i, n := range []access.Notice{
		{Kind: access.NoticeKeyWanted, To: "U2", RequestID: 1}, {Kind: access.NoticeHalted}, {Kind: access.NoticeReminder, RequestID: 1},
		{Kind: delivery.NoticeHome, To: "U2"}, {Kind: access.NoticeEnding, To: "U4", GrantID: 3}, {Kind: access.NoticeSummary},
	} {
		id := int64(i + 1)
		r.Queue(id, n)
		if err := r.announcer.SendNotice(t.Context(), id); err != nil || r.Domain.Notices[id].SentAt.IsZero() {
			t.Errorf("%s: %v", n.Kind, err)
		}
	}
	if len(r.DMs("U2")) != 1 || len(r.Messages("C2")) != 1 || len(r.Thread("C1", m.TS)) != 2 {
		t.Errorf("%d direct, %d announced, %d in the thread", len(r.DMs("U2")), len(r.Messages("C2")), len(r.Thread("C1", m.TS))-1)
	}
	if _, ok := r.Home("U2"); !ok {
		t.Error("no Home tab")
	}
	r.Queue(9, access.Notice{Kind: access.NoticeHalted})
	r.Fail("chat.postMessage", slacksim.Fault{Error: "internal_error"})
	err := r.announcer.SendNotice(t.Context(), 9)
	if n := r.Domain.Notices[9]; err != nil || !n.SentAt.IsZero() || n.Attempts != 1 || n.NextAt.Before(time.Now()) {
		t.Errorf("%v, %+v", err, n)
	}
}

// Without any channel, the approvers are shown what belongs to all.
func TestWithoutAChannelEveryApproverIsTold(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.AddUser(slacksim.User{ID: "U3", Name: "carol", Deleted: true})
	r.Domain.Deciders = []access.UserID{"U2", "U3", "U4"}
	if _, err := r.Domain.Ask(access.Request{Kind: access.KindOffboard, Source: "left", Person: "U6"}); err != nil {
		t.Fatal(err)
	}
	shown := func(user string) slacksim.Message {
		t.Helper()
		dms := slices.DeleteFunc(r.DMs(user), func(m slacksim.Message) bool { return m.ThreadTS != "" })
		if len(dms) != 1 || !strings.Contains(dms[0].Text, "SSHKEYBOT_ANNOUNCE_CHANNEL") {
			t.Fatalf("%s is told: %v", user, dms)
		}
		return dms[0]
	}
	for range 2 {
		if err := r.announcer.Announce(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, user := range []string{"U2", "U4"} {
		if m := shown(user); len(m.Buttons()) == 0 {
			t.Errorf("%s cannot decide", user)
		}
	}
	r.running(t, 2, access.Done)
	if err := r.announcer.Announce(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"U2", "U4"} {
		if m := shown(user); len(m.Buttons()) > 0 {
			t.Errorf("%s still sees buttons", user)
		}
	}
	if m := shown("U2"); len(r.Thread(m.Channel, m.TS)) < 2 {
		t.Error("the results are nowhere")
	}
	if d := r.Domain.Views[1].Drawing; d.Shown != d.Version {
		t.Errorf("not shown: %+v", d)
	}
}

func TestNoticeWithoutAChannelGoesToEveryApprover(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.Deciders = []access.UserID{"U2", "U3"}
	r.Queue(1, access.Notice{Key: "halted", Kind: access.NoticeHalted})
	for _, id := range []int64{1, 1000, 1001} {
		if err := r.announcer.SendNotice(t.Context(), id); err != nil || r.Domain.Notices[id].SentAt.IsZero() {
			t.Error(err, r.Domain.Notices[id])
		}
	}
	for _, user := range []string{"U2", "U3"} {
		if dms := r.DMs(user); len(dms) != 1 || !strings.Contains(dms[0].Text, "(401)") || !strings.Contains(dms[0].Text, "SSHKEYBOT_ANNOUNCE_CHANNEL") {
			t.Errorf("%s is told: %v", user, dms)
		}
	}
}

// A person who cannot read the channel of the request sees in their own message how it
// went, and no button there outlives its use.
func TestDirectMessagesFollowTheRequest(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.Domain.Grants = []access.Grant{{ID: 9, RequestID: 1, Person: "U2", State: access.Live, SystemUser: "runcloud", EndsAt: time.Now().Add(time.Hour)}}
	r.running(t, 2, access.Waiting)
	v := r.Domain.Views[1]
	v.Grant = &r.Domain.Grants[0]
	for id, kind := range map[int64]access.NoticeKind{1: access.NoticeReady, 2: access.NoticeEnding} {
		r.Queue(id, access.Notice{Kind: kind, To: "U2", RequestID: 1, GrantID: 9})
		if err := r.announcer.SendNotice(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	says := func(words ...string) {
		t.Helper()
		r.announce(t, 1)
		all := ""
		for _, m := range r.DMs("U2") {
			all += m.Text + "\n"
			for _, b := range m.Buttons() {
				all += "[" + b.Label + "]\n"
			}
		}
		for _, w := range words {
			if !strings.Contains(all, w) {
				t.Errorf("not said: %q in\n%s", w, all)
			}
		}
		if n := len(r.DMs("U2")); n != 2 {
			t.Errorf("%d messages, want the two", n)
		}
	}
	says("[I am done]")
	r.results(access.PhaseAdd, 2, access.Done)
	r.set(0, func(x *access.Result) { x.State, x.Problem = access.Failed, access.ProblemRefused })
	says("is ready on 1 of 2* until", "Not yet on: `server-000.example.com` (refused by the target)", "[Extend]")
	v.Grant.State, v.Grant.EndReason, v.Grant.EndedBy = access.Ended, access.EndGivenBack, "U2"
	v.Drawing.Version++
	says("has ended*", "has ended.")
	for _, m := range r.DMs("U2") {
		if len(m.Buttons()) > 0 {
			t.Errorf("buttons outlive the access: %s", m.Text)
		}
	}
}

func TestHomesOfAGroupAreThoseOfItsMembers(t *testing.T) {
	t.Parallel()
	for members, want := range map[int]int{3: 3, maxHomes + 1: 0} {
		r := asked(t, slacksim.Options{})
		r.Domain.Deciders = nil
		for i := range members {
			r.Domain.Deciders = append(r.Domain.Deciders, access.UserID(fmt.Sprintf("U1%02d", i)))
		}
		r.Queue(1, access.Notice{Kind: delivery.NoticeHome, To: "S0LEADS"})
		if err := r.announcer.SendNotice(t.Context(), 1); err != nil || r.Domain.Notices[1].SentAt.IsZero() {
			t.Error(err)
		}
		if n := len(r.Domain.Changed); n != want {
			t.Errorf("a group of %d: %d Home tabs are drawn anew, want %d", members, n, want)
		}
	}
}
