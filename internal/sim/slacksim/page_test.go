package slacksim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSay(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := newBench(t, Options{Now: c.now, RawCommandText: true})
	m, err := b.w.Say("UA", "C1", "<b> & *@bob*, #ops: https://x.example/?a&b <@UB> @nobody")
	want := "&lt;b&gt; &amp; *<@UB>*, <#C1|ops>: <https://x.example/?a&amp;b> &lt;@UB&gt; @nobody"
	if err != nil || m.Text != want || m.User != "UA" || !m.Posted().Equal(c.now()) {
		t.Errorf("%+v %v", m, err)
	}
	if got := b.w.Messages("C1"); len(got) != 1 || got[0].TS != m.TS {
		t.Errorf("messages: %+v", got)
	}
	if _, err := b.w.Say("UA", b.w.DM("UA"), "hello"); err != nil || len(b.w.DMs("UA")) != 1 {
		t.Errorf("to the bot: %v", err)
	}
	b.w.AddChannel(Channel{ID: "C8", Name: "older", Members: []string{"UA"}, Archived: true})
	for _, bad := range [][3]string{
		{"U404", "C1", "x"}, {"UA", "C404", "x"}, {"UB", "G1", "x"}, {"UB", b.w.DM("UA"), "x"}, {"UB", "C2", "x"}, {"UA", "C8", "x"}, {"UA", "C1", " \n"},
	} {
		if m, err := b.w.Say(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v was posted: %+v", bad, m)
		}
	}
	_, hidden := b.w.Say("UB", "G1", "x")
	if _, err := b.w.Click(b.ctx, "UB", "G1", "1", Pick{}); err == nil || hidden == nil {
		t.Errorf("%v %v", hidden, err)
	}
}

// Replies and unread messages are counted as a client shows them.
func TestCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	parent := b.post("channel", "C1", "text", "one")
	b.post("channel", "C1", "text", "a reply", "thread_ts", parent)
	b.post("channel", "C1", "text", "another", "thread_ts", parent)
	b.form("chat.postEphemeral", "channel", "C1", "user", "UA", "text", "for UA")
	for channel, text := range map[string]string{"C1": "her own", "C2": "elsewhere"} {
		if _, err := b.w.Say("UA", channel, text); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.w.Replies("C1"); len(got) != 1 || got[parent] != 2 {
		t.Errorf("replies: %v", got)
	}
	for _, c := range []struct {
		user, after string
		want        int
	}{{"UA", "", 2}, {"UB", "", 2}, {"UA", parent, 1}, {"UB", parent, 1}} {
		if got := b.w.Unread(c.user, "C1", c.after); got != c.want {
			t.Errorf("%s has %d unread after %q", c.user, got, c.after)
		}
	}
}

func TestCloseView(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	id, _ := b.open()
	if err := b.w.CloseView("UB", id); err == nil {
		t.Error("somebody else closed the modal")
	}
	if err := b.w.CloseView("UA", "V404"); err == nil {
		t.Error("another modal was closed")
	}
	if err := b.w.CloseView("UA", id); err != nil || len(b.w.Modals("UA")) != 0 {
		t.Errorf("still open: %v", err)
	}
	if err := b.w.CloseView("UA", id); err == nil {
		t.Error("it was closed twice")
	}
	if _, err := b.w.Submit(b.ctx, "UA", id, nil); err == nil {
		t.Error("it was submitted when closed")
	}
	if got := len(p.seen()); got != 2 { // hello and the command
		t.Errorf("the app heard of it: %v", p.seen())
	}
}

// A menu is chosen from by value, wherever it stands, whatever other options say.
func TestMenusByValue(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	ts := b.post("channel", "C1", "text", "x", "blocks", menus)
	b.form("chat.postEphemeral", "channel", "C1", "user", "UA", "text", "x", "blocks", menus)
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	if err != nil {
		t.Fatal(err)
	}
	view := `{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":` + menus + `}`
	if got := b.form("views.open", "trigger_id", r.triggerID, "view", view); got["ok"] != true {
		t.Fatal(got)
	}
	home := `{"type":"home","blocks":` + menus + `}`
	if got := b.form("views.publish", "user_id", "UA", "view", home); got["ok"] != true {
		t.Fatal(got)
	}
	for where, click := range map[string]func(Pick) (Outcome, error){
		"message":   func(p Pick) (Outcome, error) { return b.w.Click(b.ctx, "UA", "C1", ts, p) },
		"ephemeral": func(p Pick) (Outcome, error) { return b.w.ClickEphemeral(b.ctx, "UA", b.w.Ephemeral("UA")[0].TS, p) },
		"modal":     func(p Pick) (Outcome, error) { return b.w.ClickView(b.ctx, "UA", b.w.Modals("UA")[0].ID, p) },
		"home":      func(p Pick) (Outcome, error) { return b.w.ClickHome(b.ctx, "UA", p) },
	} {
		if _, err := click(Pick{ActionID: "pick", Choose: "2"}); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if got := chosen(p); got["selected_option"].(map[string]any)["value"] != "2" {
			t.Errorf("%s: %v", where, got)
		}
		if _, err := click(Pick{ActionID: "who", Choose: "UB"}); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if got := chosen(p); got["selected_user"] != "UB" {
			t.Errorf("%s: %v", where, got)
		}
		for _, action := range []string{"pick", "who"} {
			if _, err := click(Pick{ActionID: action}); err == nil || !strings.Contains(err.Error(), "option") {
				t.Errorf("%s: chose nothing: %v", where, err)
			}
		}
	}
}

// An option of an overflow menu is pressed as a button is, and so is what stands beside a text.
func TestOverflow(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	m := b.posts("text", "x", "blocks", overflows)
	var labels []string
	for _, button := range m.Buttons() {
		labels = append(labels, button.Label+"="+button.Value+" "+button.Confirm)
	}
	if diff := cmp.Diff([]string{"Ask again=r1 ", `Withdraw <b>=w "1" It ends.`, "Edit=e1 It ends.", "Approve= ", "Log=l1 "}, labels); diff != "" {
		t.Errorf("buttons (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		pick         Pick
		action, want string
	}{
		{Pick{Label: "Edit"}, "menu", "e1"},
		{Pick{Value: `w "1"`}, "menu", `w "1"`},
		{Pick{ActionID: "menu", Choose: "Edit"}, "menu", "e1"},
		{Pick{ActionID: "more", Choose: "l1"}, "more", "l1"},
		{Pick{ActionID: "more", Value: "l1"}, "more", "l1"},
	} {
		if _, err := b.w.Click(b.ctx, "UA", "C1", m.TS, c.pick); err != nil {
			t.Fatalf("%+v: %v", c.pick, err)
		}
		got := chosen(p)
		if got["type"] != "overflow" || got["action_id"] != c.action || got["selected_option"].(map[string]any)["value"] != c.want {
			t.Errorf("%+v: %v", c.pick, got)
		}
	}
	if got := chosen(p); got["block_id"] == "" || got["block_id"] == "row" {
		t.Errorf("the block: %v", got)
	}
	if _, err := b.w.Click(b.ctx, "UA", "C1", m.TS, Pick{Label: "Ask again"}); err != nil {
		t.Fatal(err)
	}
	if got := chosen(p); got["type"] != "button" || got["value"] != "r1" {
		t.Errorf("the button: %v", got)
	}
	for _, bad := range []Pick{{ActionID: "menu"}, {Label: "Log", Value: "e1"}, {ActionID: "menu", Choose: "l1"}} {
		if _, err := b.w.Click(b.ctx, "UA", "C1", m.TS, bad); err == nil {
			t.Errorf("%+v was pressed", bad)
		}
	}
	b.noViolations()
}

// chosen returns the action that the app was sent last.
func chosen(p *peer) map[string]any {
	all := p.seen()
	action, _ := all[len(all)-1].Payload["actions"].([]any)[0].(map[string]any)
	return action
}

// An empty field is sent by a page as an empty text.
func TestNothingChosen(t *testing.T) {
	t.Parallel()
	menu := Block{"type": "static_select", "options": []any{obj{"text": words("None"), "value": "n"}}}
	for _, e := range []Block{menu, {"type": "users_select"}, {"type": "plain_text_input"}} {
		key, _ := valueKey(e.Type())
		if state, err := choose(e, ""); err != nil || state[key] != nil {
			t.Errorf("%s: %v %v", e.Type(), state, err)
		}
	}
}
