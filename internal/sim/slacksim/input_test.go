package slacksim

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInputState(t *testing.T) {
	t.Parallel()
	opt := func(v string) obj { return obj{"text": obj{"type": "plain_text", "text": "O" + v}, "value": v} }
	list := []any{opt("1"), opt("2")}
	for name, c := range map[string]struct {
		element obj
		entered any
		want    string // state as JSON
	}{
		"checkboxes by text": {obj{"type": "checkboxes", "options": list}, []string{"O2"}, `{"type":"checkboxes","selected_options":[{"text":{"type":"plain_text","text":"O2"},"value":"2"}]}`},
		"radio by value":     {obj{"type": "radio_buttons", "options": list}, "1", `{"type":"radio_buttons","selected_option":{"text":{"type":"plain_text","text":"O1"},"value":"1"}}`},
		"grouped option":     {obj{"type": "static_select", "option_groups": []any{obj{"options": list}}}, "1", `{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"O1"},"value":"1"}}`},
		"people":             {obj{"type": "multi_users_select"}, []string{"UA"}, `{"type":"multi_users_select","selected_users":["UA"]}`},
		"date":               {obj{"type": "datepicker"}, "2027-01-02", `{"type":"datepicker","selected_date":"2027-01-02"}`},
		"time":               {obj{"type": "timepicker"}, "10:00", `{"type":"timepicker","selected_time":"10:00"}`},
		"channel":            {obj{"type": "channels_select"}, "C1", `{"type":"channels_select","selected_channel":"C1"}`},
		"one line":           {obj{"type": "plain_text_input"}, "a\nb", `{"type":"plain_text_input","value":"a b"}`},
		"lines":              {obj{"type": "plain_text_input", "multiline": true}, "a\nb", `{"type":"plain_text_input","value":"a\nb"}`},
		"nothing typed":      {obj{"type": "plain_text_input"}, "", `{"type":"plain_text_input","value":null}`},
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
	for name, c := range map[string]struct {
		element obj
		entered any
	}{
		"no such option": {obj{"type": "checkboxes", "options": list}, []string{"1", "3"}},
		"too short":      {obj{"type": "plain_text_input", "min_length": 3.0}, "ab"},
	} {
		if _, err := choose(Block(c.element), c.entered); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestInitialValues(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct{ key, first string }{
		"users_select":     {"selected_user", "initial_user"},
		"datepicker":       {"selected_date", "initial_date"},
		"plain_text_input": {"value", "initial_value"},
		"static_select":    {"selected_option", "initial_option"},
		"checkboxes":       {"selected_options", "initial_options"},
	} {
		if got := initialValue(Block{"type": kind, c.first: "x"}); got[c.key] != "x" {
			t.Errorf("%s: %v", kind, got)
		}
	}
	if got := initialValue(Block{"type": "checkboxes"}); !cmp.Equal(got["selected_options"], []any{}) {
		t.Errorf("nothing ticked: %v", got)
	}
}
