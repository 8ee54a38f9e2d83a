package slacksim

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInputState(t *testing.T) {
	t.Parallel()
	menu := obj{"type": "static_select", "options": []any{opt("O1", "1"), opt("O2", "2")}}
	grouped := obj{"type": "static_select", "option_groups": []any{obj{"label": words("Some"), "options": menu["options"]}}}
	many := obj{"type": "multi_external_select", "options": menu["options"]}
	for name, c := range map[string]struct {
		element obj
		entered string
		want    string // state as JSON
	}{
		"option by text":  {menu, "O2", `{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"O2"},"value":"2"}}`},
		"option by value": {menu, "1", `{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"O1"},"value":"1"}}`},
		"one of a group":  {grouped, "O1", `{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"O1"},"value":"1"}}`},
		"several options": {many, "2", `{"type":"multi_external_select","selected_options":[{"text":{"type":"plain_text","text":"O2"},"value":"2"}]}`},
		"none of several": {many, "", `{"type":"multi_external_select","selected_options":[]}`},
		"channel":         {obj{"type": "conversations_select"}, "C1", `{"type":"conversations_select","selected_conversation":"C1"}`},
		"person":          {obj{"type": "users_select"}, "UA", `{"type":"users_select","selected_user":"UA"}`},
		"one line":        {obj{"type": "plain_text_input"}, "a\nb", `{"type":"plain_text_input","value":"a b"}`},
		"lines":           {obj{"type": "plain_text_input", "multiline": true}, "a\nb", `{"type":"plain_text_input","value":"a\nb"}`},
		"nothing typed":   {obj{"type": "plain_text_input"}, "", `{"type":"plain_text_input","value":null}`},
	} {
		got, err := choose(Block(c.element), c.entered)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var gotJSON, want any
		_ = json.Unmarshal(dump(t, got), &gotJSON)
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, gotJSON); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := choose(Block(menu), "3"); err == nil {
		t.Error("chose an option that is not there")
	}
	if _, err := choose(Block{"type": "plain_text_input", "max_length": 2.0}, "abc"); err == nil {
		t.Error("typed more than the field takes")
	}
}

func TestInitialState(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct{ key, initial string }{
		"users_select":         {"selected_user", "initial_user"},
		"plain_text_input":     {"value", "initial_value"},
		"static_select":        {"selected_option", "initial_option"},
		"external_select":      {"selected_option", "initial_option"},
		"conversations_select": {"selected_conversation", "initial_conversation"},
	} {
		if got := initialState(Block{"type": kind, c.initial: "x"}); got[c.key] != "x" {
			t.Errorf("%s: %v", kind, got)
		}
		got := initialState(Block{"type": kind})
		if value, set := got[c.key]; !set || value != nil {
			t.Errorf("%s: nothing chosen is %v", kind, got)
		}
	}
}
