package slacksim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func opt(text, value string) obj { return obj{"text": words(text), "value": value} }

// searches is a modal with menus whose options the app is asked for.
const searches = `{"type":"modal","title":{"type":"plain_text","text":"Ask"},"submit":{"type":"plain_text","text":"Send"},"blocks":[
{"type":"input","block_id":"on","label":{"type":"plain_text","text":"Servers"},"hint":{"type":"plain_text","text":"Or a pattern"},"element":{"type":"multi_external_select","action_id":"s",
"min_query_length":1,"max_selected_items":3,"placeholder":{"type":"plain_text","text":"Type a name"},"initial_options":[{"text":{"type":"plain_text","text":"Every server, all 40"},"value":"*"}]}},
{"type":"input","block_id":"key","optional":true,"label":{"type":"plain_text","text":"Key"},"element":{"type":"external_select","action_id":"k","placeholder":{"type":"plain_text","text":"Type <b>"}}},
{"type":"input","block_id":"as","label":{"type":"plain_text","text":"As"},"element":{"type":"external_select","action_id":"u","min_query_length":0,"initial_option":{"text":{"type":"plain_text","text":"root <i>"},"value":"root"}}}]}`

// searching opens that modal. The app suggests what suggested holds.
func searching(t *testing.T) (b *bench, p *peer, viewID string, suggested *any) {
	t.Helper()
	b = newBench(t, Options{Now: newClock().now})
	suggested = new(any)
	p = b.connect(func(f frame) (any, bool) {
		if f.Payload["type"] == "block_suggestion" {
			return *suggested, true
		}
		return nil, true
	})
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.form("views.open", "trigger_id", r.triggerID, "view", searches); got["ok"] != true {
		t.Fatal(got)
	}
	return b, p, b.w.Modals("UA")[0].ID, suggested
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	b, p, id, suggested := searching(t)
	*suggested = obj{"options": []any{opt("web*, 2 servers", "web*"), opt("web-1", "web-1")}}
	got, err := b.w.Suggest(b.ctx, "UA", id, "on", "s", "w")
	if diff := cmp.Diff([]Option{{"web*, 2 servers", "web*", ""}, {"web-1", "web-1", ""}}, got.Options); err != nil || !got.Acked || diff != "" {
		t.Errorf("%+v %v %s", got, err, diff)
	}
	all := p.seen()
	f := all[len(all)-1]
	view, _ := f.Payload["view"].(map[string]any)
	container, _ := f.Payload["container"].(map[string]any)
	if f.Type != "interactive" || !f.Accepts || f.Payload["value"] != "w" || f.Payload["block_id"] != "on" || f.Payload["action_id"] != "s" ||
		view["id"] != id || container["type"] != "view" || container["view_id"] != id || f.Payload["api_app_id"] != appID {
		t.Errorf("payload: %+v", f)
	}
	for _, key := range []string{"trigger_id", "response_url", "channel", "actions"} {
		if f.Payload[key] != nil {
			t.Errorf("it has a %s", key)
		}
	}
	*suggested = obj{"option_groups": []any{obj{"label": words("Databases"), "options": []any{opt("db-1", "db-1")}}}}
	got, err = b.w.Suggest(b.ctx, "UA", id, "on", "s", "db")
	if err != nil || len(got.Options) != 1 || got.Options[0] != (Option{"db-1", "db-1", "Databases"}) {
		t.Errorf("%+v %v", got, err)
	}
	*suggested = obj{"options": []any{}}
	if got, err = b.w.Suggest(b.ctx, "UA", id, "as", "u", ""); err != nil || got.Error != "" || len(got.Options) != 0 {
		t.Errorf("nothing found: %+v %v", got, err)
	}
	sent := len(p.seen())
	for _, bad := range [][5]string{
		{"UA", id, "on", "s", ""}, {"UA", id, "key", "k", "äb"}, {"UA", id, "on", "k", "web"}, {"UB", id, "on", "s", "web"}, {"UA", "V404", "on", "s", "web"},
	} {
		if _, err := b.w.Suggest(b.ctx, bad[0], bad[1], bad[2], bad[3], bad[4]); err == nil {
			t.Errorf("%v was asked", bad)
		}
	}
	if now := len(p.seen()); now != sent {
		t.Errorf("the app heard of %d", now-sent)
	}
	b.noViolations()
}

// What was suggested can be entered, by value and by text, and nothing else.
func TestEnterSuggested(t *testing.T) {
	t.Parallel()
	b, p, id, suggested := searching(t)
	servers := func(names ...string) map[string]map[string]any { return map[string]map[string]any{"on": {"s": names}} }
	for _, early := range []map[string]map[string]any{servers("web-1"), {"key": {"k": "web-1"}}} {
		if _, err := b.w.Submit(b.ctx, "UA", id, early); err == nil {
			t.Errorf("%v was entered before it was suggested", early)
		}
	}
	*suggested = obj{"options": []any{opt("First, second", "1"), opt("Second", "2"), opt("Third", "3"), opt("Fourth", "4")}}
	for _, at := range [][2]string{{"on", "s"}, {"key", "k"}} {
		if _, err := b.w.Suggest(b.ctx, "UA", id, at[0], at[1], "first"); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []map[string]map[string]any{servers("5"), servers("1", "2", "3", "4"), servers(), {"as": {"u": "1"}}, {"as": {"u": ""}}} {
		if _, err := b.w.Submit(b.ctx, "UA", id, bad); err == nil {
			t.Errorf("%v was submitted", bad)
		}
	}
	values := servers("First, second", "3", "*")
	values["key"], values["as"] = map[string]any{"k": "Second"}, map[string]any{"u": "root"}
	if _, err := b.w.Submit(b.ctx, "UA", id, values); err != nil {
		t.Fatal(err)
	}
	all := p.seen()
	state := all[len(all)-1].Payload["view"].(map[string]any)["state"].(map[string]any)["values"]
	want := obj{
		"on":  obj{"s": obj{"type": "multi_external_select", "selected_options": []any{opt("First, second", "1"), opt("Third", "3"), opt("Every server, all 40", "*")}}},
		"key": obj{"k": obj{"type": "external_select", "selected_option": opt("Second", "2")}},
		"as":  obj{"u": obj{"type": "external_select", "selected_option": opt("root <i>", "root")}},
	}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	b.noViolations()
}

// An answer that breaks a rule of Slack's suggests nothing.
func TestSuggestionLimits(t *testing.T) {
	t.Parallel()
	b, _, id, suggested := searching(t)
	many := func(n, text, value int) []any {
		return repeat(n, func(i int) obj { return obj{"text": pt(text), "value": fmt.Sprintf("%0*d", value, i)} })
	}
	group := func(label int, options []any) obj { return obj{"label": pt(label), "options": options} }
	for name, c := range map[string]struct{ good, bad any }{
		"options":      {obj{"options": many(100, 1, 2)}, obj{"options": many(101, 1, 3)}},
		"text":         {obj{"options": many(1, 75, 1)}, obj{"options": many(1, 76, 1)}},
		"no text":      {obj{"options": many(1, 1, 1)}, obj{"options": []any{obj{"value": "v"}}}},
		"value":        {obj{"options": many(1, 1, 150)}, obj{"options": many(1, 1, 151)}},
		"mrkdwn":       {obj{"options": []any{}}, obj{"options": []any{obj{"text": mrk(1), "value": "v"}}}},
		"groups":       {obj{"option_groups": repeat(100, func(int) obj { return group(1, many(1, 1, 1)) })}, obj{"option_groups": repeat(101, func(int) obj { return group(1, many(1, 1, 1)) })}},
		"label":        {obj{"option_groups": []any{group(75, many(1, 1, 1))}}, obj{"option_groups": []any{group(76, many(1, 1, 1))}}},
		"empty group":  {obj{"option_groups": []any{}}, obj{"option_groups": []any{group(1, []any{})}}},
		"both":         {obj{"options": many(1, 1, 1)}, obj{"options": many(1, 1, 1), "option_groups": []any{group(1, many(1, 1, 1))}}},
		"neither":      {obj{"options": many(1, 1, 1)}, obj{}},
		"nothing":      {obj{"options": many(1, 1, 1)}, nil},
		"other fields": {obj{"options": many(1, 1, 1)}, obj{"options": many(1, 1, 1), "text": "x"}},
	} {
		for _, try := range []struct {
			payload any
			good    bool
		}{{c.good, true}, {c.bad, false}} {
			*suggested = try.payload
			before := len(b.w.Violations())
			got, err := b.w.Suggest(b.ctx, "UA", id, "on", "s", "x")
			if err != nil || (got.Error == "") != try.good || (len(b.w.Violations()) == before) != try.good || !try.good && len(got.Options) > 0 {
				t.Errorf("%s: good is %v: %s, %d options, %v %v", name, try.good, got.Error, len(got.Options), err, b.w.Violations()[before:])
			}
		}
	}
	b.ackLimit(1)
	*suggested = obj{"options": many(100, 75, 150)}
	if got, err := b.w.Suggest(b.ctx, "UA", id, "on", "s", "x"); err != nil || got.Acked || got.Error != "operation_timeout" {
		t.Errorf("over 20 KB: %+v %v", got.Outcome, err)
	}
}

func TestDrawSearches(t *testing.T) {
	t.Parallel()
	b, _, id, suggested := searching(t)
	*suggested = obj{"options": []any{opt(`"><script>`, `"1"`), opt("web-1", "web-1")}}
	if _, err := b.w.Suggest(b.ctx, "UA", id, "on", "s", "web"); err != nil {
		t.Fatal(err)
	}
	v := b.w.modal("UA", id)
	if err := v.enter(map[string]map[string]any{"on": {"s": []string{`"1"`, "web-1"}}}); err != nil {
		t.Fatal(err)
	}
	golden(t, "searches.html", string(b.w.ViewHTML(*v, Viewer{})))
	golden(t, "searches.txt", b.w.RenderView(*v, Viewer{Width: 50}))
	for what, words := range map[string]string{"what is chosen": "web-1 ▾", "a first choice": "root <i> ▾", "a placeholder": "Type <b> ▾"} {
		if text := b.w.RenderView(*v, Viewer{}); !strings.Contains(text, words) {
			t.Errorf("%s is not shown: %s", what, text)
		}
	}
}
