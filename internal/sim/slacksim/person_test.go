package slacksim

import (
	"strings"
	"testing"
	"time"
)

const buttons = `[{"type":"section","block_id":"s","text":{"type":"mrkdwn","text":"Give?"}},
{"type":"actions","block_id":"decide","elements":[
{"type":"button","action_id":"approve","text":{"type":"plain_text","text":"Approve"},"value":"r1","style":"primary"},
{"type":"static_select","action_id":"more","placeholder":{"type":"plain_text","text":"More"},
"options":[{"text":{"type":"plain_text","text":"One hour"},"value":"1h"}]}]}]`

func TestCommandPayload(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.w.AddUserGroup("S1", "team", "UA")
	p := b.connect(always(map[string]any{"text": "help"}))
	r, err := b.w.Command(b.ctx, "UA", "C2", `/sshkey grant @bob, 2h for a < b & #secret <@UA|alice> @nobody. me@example.com @team`)
	if err != nil || !r.Acked || r.Response == nil || r.Response.Text != "help" {
		t.Fatalf("%+v %v", r, err)
	}
	f := p.seen()[1]
	want := `grant <@UB>, 2h for a &lt; b &amp; <#G1|> <@UA|alice> @nobody. <mailto:me@example.com|me@example.com> <!subteam^S1|@team>`
	if f.Type != "slash_commands" || !f.Accepts || f.Payload["text"] != want || f.Payload["command"] != "/sshkey" {
		t.Errorf("payload: %v", f.Payload)
	}
	if f.Payload["is_enterprise_install"] != "false" {
		t.Errorf("payload: %v", f.Payload)
	}
	if e := b.w.Ephemeral("UA"); len(e) != 1 || e[0].Channel != "C2" {
		t.Errorf("ephemeral: %+v", e)
	}
	if r, err := b.w.Command(b.ctx, "UB", b.w.DM("UB"), "/sshkey"); err != nil || !r.Acked {
		t.Errorf("in the DM with the bot: %+v %v", r, err)
	}
	for _, c := range [][2]string{{"U404", "C1"}, {"UA", "C404"}, {"UB", "C2"}} {
		if _, err := b.w.Command(b.ctx, c[0], c[1], "/sshkey"); err == nil {
			t.Errorf("%v could use the command", c)
		}
	}
	if _, err := b.w.Command(b.ctx, "UA", "C1", "no slash"); err == nil {
		t.Error("plain text was a command")
	}
}

func TestRawAndLabelledCommandText(t *testing.T) {
	t.Parallel()
	if got := New(Options{RawCommandText: true}).escape("@a & b"); got != "@a & b" {
		t.Errorf("raw: %q", got)
	}
	b := newBench(t, Options{MentionLabels: true})
	if got := b.w.escape("@bob"); got != "<@UB|bob>" {
		t.Errorf("labelled: %q", got)
	}
}

func TestAckPayloadIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.connect(always(map[string]any{"blocks": []any{map[string]any{"type": "nonsense"}}, "text": "x"}))
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	if err != nil || r.Error != "invalid_blocks" || len(b.w.Violations()) != 1 {
		t.Errorf("%+v %v %v", r, err, b.w.Violations())
	}
}

func TestClick(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	ts := b.post("channel", "C1", "text", "Give?", "blocks", buttons)
	r, err := b.w.Click(b.ctx, "UB", "C1", ts, Pick{Label: "Approve"})
	if err != nil || !r.Acked || r.triggerID == "" {
		t.Fatalf("%+v %v", r, err)
	}
	f := p.seen()[1].Payload
	action := f["actions"].([]any)[0].(map[string]any)
	user, container := f["user"].(map[string]any), f["container"].(map[string]any)
	if f["type"] != "block_actions" || action["action_id"] != "approve" || action["value"] != "r1" || action["block_id"] != "decide" {
		t.Errorf("payload: %v", f)
	}
	if user["team_id"] != "T0SIM" || container["message_ts"] != ts || f["message"].(map[string]any)["ts"] != ts {
		t.Errorf("payload: %v", f)
	}
	if _, err := b.w.Click(b.ctx, "UB", "C1", ts, Pick{ActionID: "more", Choose: "1h"}); err != nil {
		t.Fatal(err)
	}
	action = p.seen()[2].Payload["actions"].([]any)[0].(map[string]any)
	if action["selected_option"].(map[string]any)["value"] != "1h" {
		t.Errorf("menu: %v", action)
	}
	if _, err := b.w.Click(b.ctx, "UB", "C1", ts, Pick{ActionID: "more", Choose: "9h"}); err == nil {
		t.Error("chose an option that is not there")
	}
}

func TestStaleClick(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	ts := b.post("channel", "C1", "text", "Give?", "blocks", buttons)
	b.form("chat.update", "channel", "C1", "ts", ts, "text", "Approved by alice")
	if _, err := b.w.Click(b.ctx, "UB", "C1", ts, Pick{ActionID: "approve"}); err == nil {
		t.Error("the button is gone and was pressed")
	}
	r, err := b.w.ClickStale(b.ctx, "UB", "C1", ts, Pick{ActionID: "approve"})
	if err != nil || !r.Acked {
		t.Fatal(r, err)
	}
	if m := p.seen()[1].Payload["message"].(map[string]any); m["text"] != "Give?" {
		t.Errorf("message: %v", m)
	}
	b.send(r.responseURL, "", "application/json", `{"text":"replaced","replace_original":true}`)
	if m, _ := b.w.Message("C1", ts); m.Text != "replaced" {
		t.Errorf("text %q", m.Text)
	}
}

func TestEphemeralClick(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	b.form("chat.postEphemeral", "channel", "C1", "user", "UA", "text", "Sure?", "blocks", buttons)
	ts := b.w.Ephemeral("UA")[0].TS
	if _, err := b.w.ClickEphemeral(b.ctx, "UB", ts, Pick{ActionID: "approve"}); err == nil {
		t.Error("somebody else pressed it")
	}
	r, err := b.w.ClickEphemeral(b.ctx, "UA", ts, Pick{ActionID: "approve"})
	if err != nil {
		t.Fatal(err)
	}
	f := p.seen()[1].Payload
	if _, has := f["message"]; has || f["container"].(map[string]any)["is_ephemeral"] != true {
		t.Errorf("payload: %v", f)
	}
	b.send(r.responseURL, "", "application/json", `{"text":"Done"}`)
	if all := b.w.Ephemeral("UA"); len(all) != 2 || all[1].Text != "Done" {
		t.Errorf("ephemeral: %+v", all)
	}
}

const modal = `{"type":"modal","callback_id":"ask","private_metadata":"r1","title":{"type":"plain_text","text":"Ask"},
"submit":{"type":"plain_text","text":"Send"},"blocks":[
{"type":"input","block_id":"who","label":{"type":"plain_text","text":"Who"},"element":{"type":"users_select","action_id":"u"}},
{"type":"input","block_id":"why","optional":true,"label":{"type":"plain_text","text":"Why"},
"element":{"type":"plain_text_input","action_id":"t","max_length":5}},
{"type":"actions","block_id":"act","elements":[{"type":"button","action_id":"b","text":{"type":"plain_text","text":"Look"}}]}]}`

// open opens the modal from a command and returns its ID.
func (b *bench) open() (viewID, trigger string) {
	b.t.Helper()
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	if err != nil {
		b.t.Fatal(err)
	}
	got := b.form("views.open", "trigger_id", r.triggerID, "view", modal)
	if got["ok"] != true {
		b.t.Fatalf("views.open: %v", got)
	}
	return got["view"].(map[string]any)["id"].(string), r.triggerID
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := newBench(t, Options{Now: c.now})
	b.connect(always(nil))
	_, used := b.open()
	b.wantError(b.form("views.open", "trigger_id", used, "view", modal), "exchanged_trigger_id")
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	if err != nil {
		t.Fatal(err)
	}
	c.add(3*time.Second + time.Millisecond)
	b.wantError(b.form("views.open", "trigger_id", r.triggerID, "view", modal), "expired_trigger_id")
	b.wantError(b.form("views.open", "trigger_id", "1.2", "view", modal), "invalid_trigger_id")
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	replies := map[string]any{
		"errors": map[string]any{"response_action": "errors", "errors": map[string]string{"who": "not them"}},
		"wrong":  map[string]any{"response_action": "errors", "errors": map[string]string{"act": "no input"}},
		"empty":  map[string]any{"response_action": "errors", "errors": map[string]string{}},
		"other":  map[string]any{"response_action": "clear"},
		"":       nil,
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{})
			p := b.connect(func(f frame) (any, bool) {
				if f.Payload["type"] == "view_submission" {
					return reply, true
				}
				return nil, true
			})
			id, _ := b.open()
			values := map[string]map[string]any{"who": {"u": "UB"}}
			r, err := b.w.Submit(b.ctx, "UA", id, values)
			if err != nil || !r.Acked {
				t.Fatal(r, err)
			}
			view := p.seen()[2].Payload["view"].(map[string]any)
			state := view["state"].(map[string]any)["values"].(map[string]any)
			if view["private_metadata"] != "r1" || state["who"].(map[string]any)["u"].(map[string]any)["selected_user"] != "UB" {
				t.Errorf("view: %v", view)
			}
			if got := len(b.w.Modals("UA")) == 1; got != (name != "") {
				t.Errorf("the modal is open: %v", got)
			}
			if (name == "wrong" || name == "empty" || name == "other") != (r.Error != "") || (name == "errors") != (r.Error == "" && r.Errors["who"] != "") {
				t.Errorf("result: %+v", r)
			}
		})
	}
}

func TestSubmitIsHeldBackByTheClient(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.connect(always(nil))
	id, _ := b.open()
	for _, values := range []map[string]map[string]any{
		{}, // "who" is required
		{"who": {"u": "UB"}, "why": {"t": "sixsix"}},
		{"what": {"u": "UB"}},
	} {
		if _, err := b.w.Submit(b.ctx, "UA", id, values); err == nil {
			t.Errorf("submitted with %v", values)
		}
	}
	if _, err := b.w.Submit(b.ctx, "UB", id, nil); err == nil {
		t.Error("somebody else submitted the modal")
	}
}

func TestViewsUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	id, _ := b.open()
	if got := b.form("views.update", "view_id", id, "view", strings.Replace(modal, "Look", "Look again", 1)); got["ok"] != true {
		t.Errorf("update: %v", got)
	}
	if _, err := b.w.ClickView(b.ctx, "UA", id, Pick{Label: "Look again"}); err != nil {
		t.Fatal(err)
	}
	f := p.seen()[2].Payload
	if f["type"] != "block_actions" || f["view"].(map[string]any)["id"] != id || f["response_url"] != nil {
		t.Errorf("payload: %v", f)
	}
	if _, err := b.w.ClickView(b.ctx, "UB", id, Pick{Label: "Look again"}); err == nil {
		t.Error("somebody else pressed it")
	}
	b.open()
	b.wantError(b.form("views.update", "view_id", id, "view", modal), "not_found")
}

func TestHome(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	if _, err := b.w.OpenHome(b.ctx, "UA"); err != nil {
		t.Fatal(err)
	}
	if e := p.seen()[1].Payload["event"].(map[string]any); e["type"] != "app_home_opened" || e["tab"] != "home" {
		t.Errorf("event: %v", e)
	}
	view := `{"type":"home","blocks":` + buttons + `}`
	if got := b.form("views.publish", "user_id", "UA", "view", view); got["ok"] != true {
		t.Fatalf("publish: %v", got)
	}
	if _, err := b.w.ClickHome(b.ctx, "UA", Pick{ActionID: "approve"}); err != nil {
		t.Fatal(err)
	}
	f := p.seen()[2].Payload
	if f["container"].(map[string]any)["type"] != "view" || f["response_url"] != nil {
		t.Errorf("payload: %v", f)
	}
	if v, ok := b.w.Home("UA"); !ok || len(v.Buttons()) != 2 {
		t.Errorf("home: %+v", v)
	}
	b.wantError(b.form("views.publish", "user_id", "UA", "view", modal), "invalid_arguments")
}
