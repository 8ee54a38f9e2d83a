package slacksim

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asking is a modal that is drawn anew when another duration is chosen.
const asking = `{"type":"modal","title":{"type":"plain_text","text":"Ask"},"submit":{"type":"plain_text","text":"Send"},"blocks":[
{"type":"input","block_id":"long","dispatch_action":true,"label":{"type":"plain_text","text":"How long"},"element":{"type":"static_select","action_id":"d",
"options":[{"text":{"type":"plain_text","text":"2 hours"},"value":"2h"},{"text":{"type":"plain_text","text":"Another"},"value":"other"}],"initial_option":{"text":{"type":"plain_text","text":"2 hours"},"value":"2h"}}},
{"type":"input","block_id":"where","label":{"type":"plain_text","text":"Where"},"element":{"type":"conversations_select","action_id":"c","default_to_current_conversation":true,"initial_conversation":"C2","filter":{"include":["public","private"]}}},
{"type":"input","block_id":"why","optional":true,"label":{"type":"plain_text","text":"Why"},"element":{"type":"plain_text_input","action_id":"t"}}]}`

// asks opens that modal with the trigger of an envelope, the last one.
func (b *bench) asks(p *peer, view string) View {
	b.t.Helper()
	all := p.seen()
	trigger, _ := all[len(all)-1].Payload["trigger_id"].(string)
	if got := b.form("views.open", "trigger_id", trigger, "view", view); got["ok"] != true {
		b.t.Fatal(got)
	}
	return b.w.Modals("UA")[0]
}

// jsonOf returns a view as the app gets it.
func (b *bench) jsonOf(v View) (out map[string]any) {
	b.t.Helper()
	if err := json.Unmarshal(dump(b.t, v.json()), &out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// held returns what the inputs of a view hold, by block.
func held(v map[string]any) map[string]any {
	out := map[string]any{}
	for block, actions := range v["state"].(map[string]any)["values"].(map[string]any) {
		for _, state := range actions.(map[string]any) {
			for _, key := range []string{"selected_option", "selected_conversation", "value"} {
				switch value := state.(map[string]any)[key].(type) {
				case string:
					out[block] = value
				case map[string]any:
					out[block] = value["value"]
				}
			}
		}
	}
	return out
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	if _, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey"); err != nil {
		t.Fatal(err)
	}
	id := b.asks(p, asking).ID
	if err := b.w.Enter("UA", id, map[string]map[string]any{"why": {"t": "a reason"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.w.ClickView(b.ctx, "UA", id, Pick{ActionID: "d", Choose: "Another"}); err != nil {
		t.Fatal(err)
	}
	all := p.seen()
	f := all[len(all)-1].Payload
	action := chosen(p)
	if f["type"] != "block_actions" || action["type"] != "static_select" || action["block_id"] != "long" || action["selected_option"].(map[string]any)["value"] != "other" {
		t.Errorf("payload: %v", f)
	}
	if diff := cmp.Diff(map[string]any{"long": "other", "where": "C1", "why": "a reason"}, held(f["view"].(map[string]any))); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	for _, bad := range []Pick{{ActionID: "t", Choose: "x"}, {ActionID: "c", Choose: "C2"}, {ActionID: "d", Choose: "3h"}, {ActionID: "d"}} {
		if _, err := b.w.ClickView(b.ctx, "UA", id, bad); err == nil {
			t.Errorf("%+v was sent", bad)
		}
	}
	for _, bad := range []string{"UB", "UA"} {
		if err := b.w.Enter(bad, id, map[string]map[string]any{"why": {"x": ""}}); err == nil {
			t.Error("another input was filled, or another's")
		}
	}
	if text := b.w.RenderView(b.w.Modals("UA")[0], Viewer{}); !strings.Contains(text, "[ Another ▾ ]") || !strings.Contains(text, "[ #ops ▾ ]") || !strings.Contains(text, "a reason") {
		t.Errorf("it is drawn as %s", text)
	}
}

// What was entered stays in a view that the app updates, as long as the same input takes it.
func TestUpdateKeepsWhatWasEntered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to string
		want     map[string]any
	}{
		"the same":           {"", "", map[string]any{"long": "other", "where": "C2", "why": "mine"}},
		"another first":      {`"action_id":"t"`, `"action_id":"t","initial_value":"yours"`, map[string]any{"long": "other", "where": "C2", "why": "mine"}},
		"another block":      {`"block_id":"why"`, `"block_id":"why2"`, map[string]any{"long": "other", "where": "C2"}},
		"another action":     {`"action_id":"t"`, `"action_id":"t2","initial_value":"yours"`, map[string]any{"long": "other", "where": "C2", "why": "yours"}},
		"another type":       {`"type":"plain_text_input"`, `"type":"users_select"`, map[string]any{"long": "other", "where": "C2"}},
		"the option is gone": {`"value":"other"`, `"value":"3h"`, map[string]any{"long": "2h", "where": "C2", "why": "mine"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{})
			p := b.connect(always(nil))
			if _, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey"); err != nil {
				t.Fatal(err)
			}
			id := b.asks(p, asking).ID
			values := map[string]map[string]any{"long": {"d": "other"}, "where": {"c": "C2"}, "why": {"t": "mine"}}
			if err := b.w.Enter("UA", id, values); err != nil {
				t.Fatal(err)
			}
			got := b.form("views.update", "view_id", id, "view", strings.Replace(asking, c.from, c.to, 1))
			if got["ok"] != true {
				t.Fatal(got)
			}
			if diff := cmp.Diff(c.want, held(got["view"].(map[string]any))); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// A menu of conversations has what the person sees, and begins with where they were if it is told to.
func TestConversations(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.w.AddUser(User{ID: "UG", Name: "guest", IsRestricted: true})
	b.w.AddChannel(Channel{ID: "C3", Name: "partners", Members: []string{"UA", "UG"}, Shared: true})
	p := b.connect(always(nil))
	menu := func(filter string) string {
		return strings.NewReplacer(`{"include":["public","private"]}`, filter, `"initial_conversation":"C2",`, "").Replace(asking)
	}
	dm := b.w.DM("UA")
	for _, c := range []struct{ user, filter, want string }{
		{"UA", `{"include":["public","private"]}`, "C1 C2 C3 G1"},
		{"UA", `{"include":["public"],"exclude_external_shared_channels":true}`, "C1 C2"},
		{"UA", `{"exclude_bot_users":true}`, "C1 C2 C3 G1"},
		{"UA", `{"include":["im"]}`, dm},
		{"UB", `{"include":["public","private","im"]}`, "C1 C2 C3"},
		{"UG", `{"include":["public"]}`, "C3"},
		{"", `{"include":["public"]}`, ""},
	} {
		if _, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey"); err != nil {
			t.Fatal(err)
		}
		v := b.asks(p, menu(c.filter))
		var got []string
		found := parseHTML(t, b.w.ViewHTML(View{Blocks: v.Blocks[1:2]}, Viewer{User: c.user}))
		for _, e := range found.elements {
			if e.name == "option" && e.attributes["value"] != "" {
				got = append(got, e.attributes["value"])
			}
		}
		if all := strings.Join(got, " "); all != c.want {
			t.Errorf("%s sees in %s: %s, want %s", c.user, c.filter, all, c.want)
		}
	}
	for channel, want := range map[string]any{"C1": "C1", "G1": "G1", dm: nil} {
		if _, err := b.w.Command(b.ctx, "UA", channel, "/sshkey"); err != nil {
			t.Fatal(err)
		}
		if got := held(b.jsonOf(b.asks(p, asking)))["where"]; got != want {
			t.Errorf("opened in %s, it begins with %v", channel, got)
		}
	}
	ts := b.post("channel", "C1", "text", "x", "blocks", buttons)
	if _, err := b.w.Click(b.ctx, "UA", "C1", ts, Pick{ActionID: "approve"}); err != nil {
		t.Fatal(err)
	}
	v := b.asks(p, menu(`{"include":["public","im"]}`))
	if got := held(b.jsonOf(v))["where"]; got != "C1" {
		t.Errorf("opened from a message, it begins with %v", got)
	}
	if html := string(b.w.ViewHTML(v, Viewer{User: "UA"})); !strings.Contains(html, `<option value="C1" selected>#ops</option>`) || !strings.Contains(html, `<option value="`+dm+`">@sshkeybot</option>`) {
		t.Errorf("it is drawn as %s", html)
	}
	if _, err := b.w.Shortcut(b.ctx, "UA", "ask"); err != nil {
		t.Fatal(err)
	}
	if got := held(b.jsonOf(b.asks(p, asking)))["where"]; got != nil {
		t.Errorf("opened by a shortcut, it begins with %v", got)
	}
	b.noViolations()
}

func TestShortcut(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	if got, err := b.w.Shortcut(b.ctx, "UA", "ask"); err != nil || !got.Acked {
		t.Fatalf("%+v %v", got, err)
	}
	f := p.seen()[1]
	for _, key := range []string{"token", "trigger_id", "action_ts"} {
		if text, _ := f.Payload[key].(string); text == "" {
			t.Errorf("it has no %s", key)
		}
		delete(f.Payload, key)
	}
	want := map[string]any{
		"type": "shortcut", "callback_id": "ask", "is_enterprise_install": false,
		"team": map[string]any{"id": teamID, "domain": teamDomain}, "user": map[string]any{"id": "UA", "username": "alice", "team_id": teamID},
	}
	if diff := cmp.Diff(want, f.Payload); diff != "" || f.Type != "interactive" || f.Accepts {
		t.Errorf("%+v (-want +got):\n%s", f, diff)
	}
	if _, err := b.w.Shortcut(b.ctx, "U404", "ask"); err == nil {
		t.Error("nobody used it")
	}
}
