package bot

import (
	"strings"
	"sync"
	"testing"
	"time"

	"sshkeybot/bot/bottest"
	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// pending has U1 ask for access for U2 and posts the request.
func pending(t *testing.T) (*rig, slacksim.Message) {
	t.Helper()
	r := start(t, slacksim.Options{})
	r.types(t, "U1", "grant @bob 1h")
	return r, r.announce(t, 1)
}

func (r *rig) click(t *testing.T, user, ts, action string) {
	t.Helper()
	got, err := r.ClickStale(t.Context(), user, "C1", ts, slacksim.Pick{ActionID: action})
	if err != nil || !got.Acked {
		t.Errorf("%s by %s: %+v %v", action, user, got, err)
	}
}

func TestEveryClickIsAnsweredAndOneDecides(t *testing.T) {
	t.Parallel()
	r, m := pending(t)
	r.Domain.Deciders = r.Domain.Deciders[:4] // U6 is none
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { r.click(t, []string{"U2", "U3", "U4", "U5", "U6"}[i%5], m.TS, "approve") })
	}
	all.Wait()
	winners, second, refused := 0, 0, 0
	for _, user := range []string{"U2", "U3", "U4", "U5", "U6"} {
		r.Until(t, "four answers for "+user, func() bool { return len(r.Ephemeral(user)) == 4 })
		for _, answer := range r.Ephemeral(user) {
			switch {
			case strings.Contains(answer.Text, "You approved request 1"):
				winners++
			case strings.Contains(answer.Text, "already") && strings.Contains(answer.Text, "<@U"):
				second++
			case strings.Contains(answer.Text, "Only an approver"):
				refused++
			}
		}
	}
	if winners != 1 || second != 15 || refused != 4 {
		t.Errorf("%d won, %d came second, %d were refused", winners, second, refused)
	}
	if m := r.announce(t, 1); len(m.Buttons()) > 0 {
		t.Errorf("it still has the buttons %v", m.Buttons())
	}
}

// Somebody sees buttons that have no effect any more, though the message was drawn since:
// the announcer sends it once more, and nobody else, who might send an older state.
func TestStaleButtonsHaveTheAnnouncerDrawAnew(t *testing.T) {
	t.Parallel()
	r, m := pending(t)
	r.Approve(t)
	r.announce(t, 1)
	updates := r.Count("chat.update")
	r.click(t, "U4", m.TS, "approve")
	r.Until(t, "the click handled", func() bool { return len(r.Ephemeral("U4")) == 1 && len(r.Domain.Unhandled()) == 0 })
	r.Until(t, "it is to be drawn anew", func() bool { d := r.Drawing(1); return d.Version > d.Shown })
	if n := r.Count("chat.update"); n != updates {
		t.Errorf("%d updates past the announcer", n-updates)
	}
	r.announce(t, 1)
	if n := r.Count("chat.update"); n != updates+1 {
		t.Errorf("%d updates, want 1", n-updates)
	}
}

// The decision is made, and only the Home tab cannot be drawn anew.
func TestHomeThatCannotBeDrawnIsNoRefusal(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.types(t, "U1", "grant @bob 1h")
	if _, err := r.OpenHome(t.Context(), "U3"); err != nil {
		t.Fatal(err)
	}
	r.Until(t, "a Home tab", func() bool { _, ok := r.Home("U3"); return ok })
	r.Fail("views.publish", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	if _, err := r.ClickHome(t.Context(), "U3", slacksim.Pick{ActionID: "approve"}); err != nil {
		t.Fatal(err)
	}
	r.Until(t, "an answer", func() bool { return len(r.DMs("U3")) == 1 })
	if text := r.DMs("U3")[0].Text; !strings.Contains(text, "You approved request 1") {
		t.Errorf("told: %s", text)
	}
	r.Until(t, "an empty inbox", func() bool { return len(r.Domain.Unhandled()) == 0 })
}

func TestClickOnAnOldCopyDrawsItAnew(t *testing.T) {
	t.Parallel()
	r, old := pending(t)
	r.Domain.Views[1].Messages[0].TS = "1.000001" // another message is the one that counts
	r.click(t, "U3", old.TS, "approve")
	r.Until(t, "the old copy drawn anew", func() bool { return len(r.Request(t).Buttons()) == 0 })
}

func TestDenyAsksForTheReason(t *testing.T) {
	t.Parallel()
	r, m := pending(t)
	r.click(t, "U1", m.TS, "deny")
	r.Until(t, "a refusal", func() bool { return strings.Contains(r.lastEphemeral("U1").Text, "Only an approver") })
	r.click(t, "U3", m.TS, "deny")
	r.submit(t, "U3", map[string]map[string]any{render.BlockReason: {"value": "not now"}})
	r.Until(t, "a receipt", func() bool { return strings.Contains(r.lastEphemeral("U3").Text, "You denied request 1") })
	r.click(t, "U4", m.TS, "deny")
	r.Until(t, "who was first", func() bool {
		return strings.Contains(r.lastEphemeral("U4").Text, "denied already") && strings.Contains(r.lastEphemeral("U4").Text, "<@U3>")
	})
	if len(r.Modals("U4")) > 0 {
		t.Error("a form about a decided request")
	}
}

func TestEditNarrows(t *testing.T) {
	t.Parallel()
	r, m := pending(t)
	r.click(t, "U3", m.TS, "edit")
	r.submit(t, "U3", map[string]map[string]any{render.BlockDuration: {"value": "30m"}, render.BlockServers: {"value": "web-1"}})
	r.Until(t, "a receipt", func() bool { return strings.Contains(r.lastEphemeral("U3").Text, "Request 1 is changed") })
	if v, _ := r.Domain.View(t.Context(), 1); v.Request.Duration != 30*time.Minute || v.Request.Pattern != "web-1" {
		t.Errorf("%+v", v.Request)
	}
}

func TestDraftIsConfirmedInPlace(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	for user, action := range map[string]string{"U3": "confirm", "U4": "keep"} {
		if got := r.types(t, user, "revoke @bob"); got == "" {
			t.Fatal("no draft is shown")
		}
		draft := r.lastEphemeral(user)
		if _, err := r.ClickEphemeral(t.Context(), user, draft.TS, slacksim.Pick{ActionID: action}); err != nil {
			t.Fatal(err)
		}
		r.Until(t, "the draft replaced", func() bool {
			all := r.Ephemeral(user)
			return len(all) == 1 && len(all[0].Buttons()) == 0
		})
	}
}

func TestExtendFromADirectMessage(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.Domain.Grants = []access.Grant{{ID: 9, Person: "U1", State: access.Live, SystemUser: "runcloud", EndsAt: time.Now().Add(time.Hour)}}
	r.Queue(1, access.Notice{Kind: access.NoticeEnding, To: "U1", GrantID: 9})
	for range 2 { // the second has nothing to do
		if err := r.announcer.SendNotice(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	dms := r.DMs("U1")
	if len(dms) != 1 {
		t.Fatalf("%d messages", len(dms))
	}
	if _, err := r.Click(t.Context(), "U1", dms[0].Channel, dms[0].TS, slacksim.Pick{ActionID: "extend"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ClickView(t.Context(), "U1", r.Modals("U1")[0].ID, slacksim.Pick{ActionID: render.ActionDuration, Choose: "other"}); err != nil {
		t.Fatal(err)
	}
	r.submit(t, "U1", map[string]map[string]any{render.BlockOther: {"value": "5h"}})
	r.Until(t, "a request", func() bool { return r.Domain.Requests() == 1 })
	if v, _ := r.Domain.View(t.Context(), 1); v.Request.GrantID != 9 || v.Request.Duration != 5*time.Hour || v.Request.Channel != "" {
		t.Errorf("%+v", v.Request)
	}
}

func TestHomeAndEvents(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.Domain.KeysOf["U2"] = []access.Key{{Fingerprint: "SHA256:abcdefghijklmnop", Type: "ssh-ed25519", Person: "U2"}}
	if got, err := r.OpenHome(t.Context(), "U2"); err != nil || !got.Acked {
		t.Fatal(got, err)
	}
	r.Until(t, "a Home tab", func() bool { _, ok := r.Home("U2"); return ok })
	if _, err := r.ClickHome(t.Context(), "U2", slacksim.Pick{ActionID: "remove_key"}); err != nil {
		t.Fatal(err)
	}
	r.Until(t, "the tab without the key", func() bool {
		v, _ := r.Home("U2")
		for _, b := range v.Buttons() {
			if b.ActionID == "remove_key" {
				return false
			}
		}
		return true
	})
	r.DuplicateNext(1)
	if got, err := r.Deactivate(t.Context(), "U4"); err != nil || !got.Acked {
		t.Fatal(got, err)
	}
	r.Until(t, "the offboarding", func() bool { r.Domain.Lock(); defer r.Domain.Unlock(); return len(r.Domain.Leavers) > 0 })
	if _, err := r.Event(t.Context(), map[string]any{"type": "team_join", "user": map[string]any{"id": "U9"}}); err != nil {
		t.Fatal(err)
	}
	r.Until(t, "an empty inbox", func() bool { return len(r.Domain.Unhandled()) == 0 })
	if len(r.Domain.Leavers) != 1 || r.Domain.Leavers[0] != "U4" {
		t.Errorf("left: %v", r.Domain.Leavers)
	}
}

func TestUnknownButtonIsAnswered(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Domain.Inbox["e"] = &bottest.Kept{}
	for _, in := range []interaction{{Action: "dance"}, {Action: "pick", Value: "1:x:2"}, {Action: "approve", Value: "zzz"}, {Kind: kindSubmission, Modal: "old"}} {
		in.ID, in.Person, in.At, in.Channel = "e", "U3", time.Now(), "C1"
		if in.Kind == "" {
			in.Kind = kindClick
		}
		before := len(r.Ephemeral("U3")) + len(r.DMs("U3"))
		r.bot.handle(t.Context(), in, nil)
		if len(r.Ephemeral("U3"))+len(r.DMs("U3")) != before+1 {
			t.Errorf("%+v: no answer", in)
		}
	}
}

func TestDraftThatIsOverKeepsNoButtons(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.types(t, "U1", "revoke @bob")
	draft := r.lastEphemeral("U1")
	if _, err := r.Domain.Cancel(t.Context(), 1, "U1"); err != nil { // as its expiry would
		t.Fatal(err)
	}
	got, err := r.ClickEphemeral(t.Context(), "U1", draft.TS, slacksim.Pick{ActionID: render.ActionConfirm})
	if err != nil || !got.Acked {
		t.Fatalf("%+v %v", got, err)
	}
	r.Until(t, "the draft is replaced", func() bool {
		all := r.Ephemeral("U1")
		return len(all) == 1 && strings.Contains(all[0].Text, "already") && len(all[0].Buttons()) == 0
	})
}

func TestApproverSaysThatAServerIsGone(t *testing.T) {
	t.Parallel()
	r, _ := pending(t)
	r.Domain.Views[1].Request.State = access.Approved
	r.Domain.Views[1].Missing = []access.ServerRef{{ID: 7, Name: "web-07"}, {ID: 8, Name: "web-08"}}
	r.Domain.Views[1].Drawing.Version++
	m := r.announce(t, 1)
	if got, err := r.Click(t.Context(), "U3", m.Channel, m.TS, slacksim.Pick{Label: "web-08 is gone for good"}); err != nil || !got.Acked {
		t.Fatal(got, err)
	}
	r.Until(t, "an answer", func() bool { return strings.Contains(r.lastEphemeral("U3").Text, "`web-08` counts as gone for good") })
}
