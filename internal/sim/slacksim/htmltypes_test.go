package slacksim

import (
	"encoding/json"
	"html/template"
	"strings"
	"testing"
)

// What Slack has of blocks and elements ("Reference: blocks", "Block elements").
const (
	slacksBlocks = "actions alert call card carousel condition context context_actions divider file header image input " +
		"markdown plan rich_text section share_shortcut table task_card video"
	slacksElements = "button channels_select checkboxes conversations_select datepicker datetimepicker email_text_input " +
		"external_select feedback_buttons file_input icon_button image multi_channels_select multi_conversations_select " +
		"multi_external_select multi_static_select multi_users_select number_input overflow plain_text_input radio_buttons " +
		"rich_text_input static_select timepicker url_text_input url_source users_select workflow_button"
)

func words(s string) any { return obj{"type": "plain_text", "text": s} }

// sampleElement is an element with what several types ask for.
func sampleElement(kind string) obj {
	all := map[string]any{
		"text": words("t"), "options": []any{obj{"text": words("o"), "value": "v"}}, "placeholder": words("p"),
	}
	e := obj{"type": kind, "action_id": "a"}
	for key, value := range all {
		e[key] = value
		if strings.Contains(strings.Join(problemsOf(obj{"type": "actions", "elements": []any{e}}), " ")+
			strings.Join(problemsOf(inputOf(e)), " "), "/"+key+": is no field") {
			delete(e, key)
		}
	}
	return e
}

func inputOf(e obj) obj { return obj{"type": "input", "label": words("l"), "element": e} }

func problemsOf(block obj) []string {
	raw, err := json.Marshal(obj{"text": "x", "blocks": []any{block}})
	if err != nil {
		return []string{err.Error()}
	}
	return CheckMessage(raw)
}

// shows draws a block that the checks accept, and reports whether they do.
func (b *bench) shows(name string, block obj) bool {
	b.t.Helper()
	if len(problemsOf(block)) > 0 {
		return false
	}
	m := b.posts("text", "x", "blocks", string(dump(b.t, []any{block})))
	for _, h := range []template.HTML{b.w.HTML(m, Viewer{}), b.w.ViewHTML(View{ID: "V1", Blocks: m.Blocks}, Viewer{})} {
		if parseHTML(b.t, h); strings.Contains(string(h), "unknown") {
			b.t.Errorf("%s: %s", name, h)
		}
	}
	return true
}

// Whatever the checks let through must be drawn.
func TestEveryAcceptedTypeIsShown(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	accepted := map[string]bool{}
	for kind := range strings.FieldsSeq(slacksElements) {
		e := sampleElement(kind)
		accepted["action "+kind] = b.shows("action "+kind, obj{"type": "actions", "elements": []any{e}})
		accepted["field "+kind] = b.shows("field "+kind, inputOf(e))
	}
	for kind := range strings.FieldsSeq(slacksBlocks) {
		for _, block := range []obj{
			{"type": kind},
			{"type": kind, "text": words("t")},
			{"type": kind, "text": obj{"type": "mrkdwn", "text": "t"}},
			{"type": kind, "elements": []any{words("t"), obj{"type": "mrkdwn", "text": "t"}}},
			{"type": kind, "elements": []any{sampleElement("button")}},
			{"type": kind, "text": words("t"), "accessory": sampleElement("overflow")},
			inputOf(sampleElement("plain_text_input")),
		} {
			block["type"] = kind
			accepted[kind] = b.shows(kind, block) || accepted[kind]
		}
		if problems := strings.Join(problemsOf(obj{"type": kind}), " "); !accepted[kind] && !strings.Contains(problems, "unsupported") {
			t.Errorf("no sample of a %s passes: %s", kind, problems)
		}
	}
	for _, kind := range []string{"header", "input", "divider", "context", "action button", "action users_select", "action overflow", "field static_select", "field multi_external_select", "field conversations_select"} {
		if !accepted[kind] {
			t.Errorf("the samples of %s do not pass the checks", kind)
		}
	}
}

// What the checks would refuse is not left out either.
func TestHTMLSaysWhatItCannotShow(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	for raw, want := range map[string]string{
		`{"type":"image"}`: "a block of type &#34;image&#34;",
		`{"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":{"type":"image"}}`: "an element of type &#34;image&#34;",
		`{"type":"section","fields":[]}`: "fields of a section",
		`{"type":"header","text":{"type":"plain_text","text":"x"},"accessory":{"type":"button"}}`:    "accessory of a header",
		`{"type":"actions","elements":[{"type":"plain_text_input"}]}`:                                "&#34;plain_text_input&#34; among buttons",
		`{"type":"context","elements":[{"type":"image"}]}`:                                           "a text of type &#34;image&#34;",
		`{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"datepicker"}}`:  "an element of type &#34;datepicker&#34;",
		`{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"button"}}`:      "&#34;button&#34; as a field",
		`{"type":"input","dispatch_action":true,"element":{"type":"plain_text_input"},"label":null}`: "dispatch_action",
	} {
		var block Block
		if err := json.Unmarshal([]byte(raw), &block); err != nil {
			t.Fatal(err)
		}
		got := string(b.w.ViewHTML(View{Blocks: []Block{block}}, Viewer{}))
		if !strings.Contains(got, `class="unknown"`) || !strings.Contains(got, want) {
			t.Errorf("%s: %s", raw, got)
		}
		parseHTML(t, b.w.ViewHTML(View{Blocks: []Block{block}}, Viewer{}))
	}
}
