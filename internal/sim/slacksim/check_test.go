package slacksim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

type obj = map[string]any

func pt(n int) obj  { return obj{"type": "plain_text", "text": strings.Repeat("ä", n)} }
func mrk(n int) obj { return obj{"type": "mrkdwn", "text": strings.Repeat("ä", n)} }

func repeat(n int, build func(i int) obj) []any {
	out := nulls(n)
	for i := range out {
		out[i] = build(i)
	}
	return out
}

func nulls(n int) []any { return make([]any, n) }

func divider(int) obj { return obj{"type": "divider"} }

func button(i int) obj {
	return obj{"type": "button", "action_id": fmt.Sprint("a", i), "text": pt(3)}
}

func with(o obj, key string, value any) obj {
	o[key] = value
	return o
}

func actions(e ...any) obj { return obj{"type": "actions", "elements": e} }

func confirm(title, text, yes, no int) obj {
	return obj{"title": pt(title), "text": mrk(text), "confirm": pt(yes), "deny": pt(no)}
}

func options(n, text, value int) obj {
	list := repeat(n, func(i int) obj { return obj{"text": pt(text), "value": strings.Repeat("v", value)} })
	return obj{"type": "static_select", "action_id": "m", "options": list}
}

// groups returns a menu of n groups of so many options.
func groups(n, label, each int) obj {
	return obj{"type": "static_select", "action_id": "m", "option_groups": repeat(n, func(int) obj {
		return obj{"label": pt(label), "options": options(each, 1, 1)["options"]}
	})}
}

func overflow(n, text, value int) obj {
	return with(options(n, text, value), "type", "overflow")
}

func beside(accessory obj) obj { return with(section(mrk(1)), "accessory", accessory) }

func section(text any) obj { return obj{"type": "section", "text": text} }

func message(blocks ...any) obj { return obj{"text": "t", "blocks": blocks} }

func dump(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestMessageLimits has for every limit a message that just keeps it and one
// that just breaks it.
func TestMessageLimits(t *testing.T) {
	t.Parallel()
	id := func(n int) string { return strings.Repeat("i", n) }
	for name, c := range map[string]struct{ good, bad obj }{
		"blocks":            {message(repeat(50, divider)...), message(repeat(51, divider)...)},
		"text":              {obj{"text": id(4000)}, obj{"text": id(4001)}},
		"text missing":      {obj{"text": "x", "blocks": repeat(1, divider)}, obj{"blocks": repeat(1, divider)}},
		"section text":      {message(section(mrk(3000))), message(section(mrk(3001)))},
		"empty text":        {message(section(mrk(1))), message(section(mrk(0)))},
		"section empty":     {message(section(pt(1))), message(obj{"type": "section"})},
		"header":            {message(obj{"type": "header", "text": pt(150)}), message(obj{"type": "header", "text": pt(151)})},
		"header type":       {message(obj{"type": "header", "text": pt(1)}), message(obj{"type": "header", "text": mrk(1)})},
		"actions":           {message(actions(repeat(25, button)...)), message(actions(repeat(26, button)...))},
		"no actions":        {message(actions(button(1))), message(actions())},
		"context":           {message(obj{"type": "context", "elements": repeat(10, func(int) obj { return mrk(1) })}), message(obj{"type": "context", "elements": repeat(11, func(int) obj { return mrk(1) })})},
		"button in context": {message(actions(button(1))), message(obj{"type": "context", "elements": []any{button(1)}})},
		"button text":       {message(actions(with(button(1), "text", pt(75)))), message(actions(with(button(1), "text", pt(76))))},
		"button mrkdwn":     {message(actions(button(1))), message(actions(with(button(1), "text", mrk(1))))},
		"button value":      {message(actions(with(button(1), "value", id(2000)))), message(actions(with(button(1), "value", id(2001))))},
		"value type":        {message(actions(with(button(1), "value", "7"))), message(actions(with(button(1), "value", 7)))},
		"button style":      {message(actions(with(button(1), "style", "danger"))), message(actions(with(button(1), "style", "secondary")))},
		"button heard":      {message(actions(with(button(1), "accessibility_label", id(75)))), message(actions(with(button(1), "accessibility_label", id(76))))},
		"button unheard":    {message(actions(button(1))), message(actions(with(button(1), "accessibility_label", "")))},
		"action_id":         {message(actions(with(button(1), "action_id", id(255)))), message(actions(with(button(1), "action_id", id(256))))},
		"action twice":      {message(actions(button(1), button(2))), message(actions(button(1), button(1)))},
		"block_id":          {message(with(divider(0), "block_id", id(255))), message(with(divider(0), "block_id", id(256)))},
		"block twice":       {message(with(divider(0), "block_id", "a"), with(divider(0), "block_id", "b")), message(with(divider(0), "block_id", "a"), with(divider(0), "block_id", "a"))},
		"confirm":           {message(actions(with(button(1), "confirm", confirm(100, 300, 30, 30)))), message(actions(with(button(1), "confirm", confirm(101, 300, 30, 30))))},
		"confirm text":      {message(actions(with(button(1), "confirm", confirm(1, 1, 1, 1)))), message(actions(with(button(1), "confirm", confirm(1, 301, 1, 1))))},
		"confirm yes":       {message(actions(with(button(1), "confirm", confirm(1, 1, 1, 1)))), message(actions(with(button(1), "confirm", confirm(1, 1, 31, 1))))},
		"confirm no":        {message(actions(with(button(1), "confirm", confirm(1, 1, 1, 1)))), message(actions(with(button(1), "confirm", confirm(1, 1, 1, 31))))},
		"options":           {message(actions(options(100, 1, 1))), message(actions(options(101, 1, 1)))},
		"option text":       {message(actions(options(1, 75, 1))), message(actions(options(1, 76, 1)))},
		"option value":      {message(actions(options(1, 1, 150))), message(actions(options(1, 1, 151)))},
		"option groups":     {message(actions(groups(100, 1, 100))), message(actions(groups(101, 1, 1)))},
		"no option group":   {message(actions(groups(1, 1, 1))), message(actions(groups(0, 1, 1)))},
		"group's label":     {message(actions(groups(1, 75, 1))), message(actions(groups(1, 76, 1)))},
		"group's options":   {message(actions(groups(1, 1, 1))), message(actions(groups(1, 1, 101)))},
		"groups or options": {message(actions(groups(1, 1, 1))), message(actions(with(groups(1, 1, 1), "options", options(1, 1, 1)["options"])))},
		"first of a group":  {message(actions(with(groups(1, 1, 1), "initial_option", obj{"text": pt(1), "value": "v"}))), message(actions(with(groups(1, 1, 1), "initial_option", obj{"text": pt(2), "value": "v"})))},
		"overflow":          {message(actions(overflow(5, 75, 150))), message(actions(overflow(6, 1, 1)))},
		"overflow empty":    {message(actions(overflow(1, 1, 1))), message(actions(overflow(0, 1, 1)))},
		"overflow text":     {message(actions(overflow(1, 75, 1))), message(actions(overflow(1, 76, 1)))},
		"overflow mrkdwn":   {message(actions(overflow(1, 1, 1))), message(actions(with(overflow(1, 1, 1), "options", []any{obj{"text": mrk(1), "value": "v"}})))},
		"overflow value":    {message(actions(overflow(1, 1, 150))), message(actions(overflow(1, 1, 151)))},
		"overflow confirm":  {message(actions(with(overflow(1, 1, 1), "confirm", confirm(1, 1, 1, 1)))), message(actions(with(overflow(1, 1, 1), "confirm", confirm(1, 301, 1, 1))))},
		"overflow field":    {message(actions(overflow(1, 1, 1))), message(actions(with(overflow(1, 1, 1), "placeholder", pt(1))))},
		"accessory":         {message(beside(button(1))), message(beside(options(1, 1, 1)))},
		"accessory limits":  {message(beside(overflow(5, 75, 150))), message(beside(overflow(6, 1, 1)))},
		"accessory object":  {message(beside(button(1))), message(with(section(mrk(1)), "accessory", "button"))},
		"initial option":    {message(actions(with(options(1, 1, 1), "initial_option", obj{"text": pt(1), "value": "v"}))), message(actions(with(options(1, 1, 1), "initial_option", obj{"text": pt(2), "value": "v"})))},
		"rendered":          {message(repeat(4, func(int) obj { return section(mrk(3000)) })...), message(repeat(5, func(int) obj { return section(mrk(3000)) })...)},
		"rendered escapes":  {message(repeat(4, func(int) obj { return section(mrk(3000)) })...), message(repeat(4, func(int) obj { return section(obj{"type": "plain_text", "text": strings.Repeat("&", 1000)}) })...)},
		"rendered headers":  {message(repeat(49, func(int) obj { return obj{"type": "header", "text": pt(150)} })...), message(append(repeat(49, func(int) obj { return obj{"type": "header", "text": pt(150)} }), section(mrk(2000)))...)},
		"unknown block":     {message(divider(0)), message(obj{"type": "marquee"})},
		"header emoji":      {message(obj{"type": "header", "text": with(pt(1), "emoji", true)}), message(section(with(mrk(1), "emoji", true)))},
		"unknown field":     {message(divider(0)), message(with(divider(0), "colour", "red"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := CheckMessage(dump(t, c.good)); len(got) > 0 {
				t.Errorf("the good one: %v", got)
			}
			if got := CheckMessage(dump(t, c.bad)); len(got) == 0 {
				t.Error("the bad one passes")
			}
		})
	}
}

func modalOf(blocks ...any) obj {
	return obj{"type": "modal", "title": pt(5), "submit": pt(4), "blocks": blocks}
}

func field(element obj) obj { return obj{"type": "input", "label": pt(3), "element": element} }

func pair(i int) obj { return opt("o", fmt.Sprint(i)) }

// external returns a menu with external options, with those fields.
func external(fields ...any) obj {
	e := obj{"type": "external_select", "action_id": "x"}
	for i := 0; i < len(fields); i += 2 {
		e[fields[i].(string)] = fields[i+1]
	}
	return e
}

func several(fields ...any) obj { return with(external(fields...), "type", "multi_external_select") }

// channels returns a menu of conversations with that filter.
func channels(filter ...any) obj {
	fields := external(filter...)
	delete(fields, "type")
	delete(fields, "action_id")
	return obj{"type": "conversations_select", "action_id": "c", "initial_conversation": "C1", "filter": fields}
}

func TestViewLimits(t *testing.T) {
	t.Parallel()
	typed := obj{"type": "plain_text_input", "action_id": "x"}
	home := func(n int) obj { return obj{"type": "home", "blocks": repeat(n, divider)} }
	for name, c := range map[string]struct{ good, bad obj }{
		"blocks":        {modalOf(repeat(100, divider)...), modalOf(repeat(101, divider)...)},
		"home blocks":   {home(100), home(101)},
		"home title":    {home(1), with(home(1), "title", pt(1))},
		"title":         {with(modalOf(divider(0)), "title", pt(24)), with(modalOf(divider(0)), "title", pt(25))},
		"no title":      {modalOf(divider(0)), obj{"type": "modal", "blocks": repeat(1, divider)}},
		"mrkdwn title":  {modalOf(divider(0)), with(modalOf(divider(0)), "title", mrk(1))},
		"submit":        {with(modalOf(divider(0)), "submit", pt(24)), with(modalOf(divider(0)), "submit", pt(25))},
		"close":         {with(modalOf(divider(0)), "close", pt(24)), with(modalOf(divider(0)), "close", pt(25))},
		"input submit":  {modalOf(field(typed)), with(modalOf(field(typed)), "submit", nil)},
		"input label":   {modalOf(field(typed)), modalOf(obj{"type": "input", "element": typed})},
		"input element": {modalOf(field(typed)), modalOf(field(button(1)))},
		"max_length":    {modalOf(field(obj{"type": "plain_text_input", "max_length": 3000})), modalOf(field(obj{"type": "plain_text_input", "max_length": 3001}))},
		"placeholder":   {modalOf(field(obj{"type": "users_select", "placeholder": pt(150)})), modalOf(field(obj{"type": "users_select", "placeholder": pt(151)}))},
		"external":      {modalOf(field(external("initial_option", opt("o", "v")))), modalOf(field(external("initial_option", opt("", "v"))))},
		"external list": {modalOf(field(external())), modalOf(field(external("options", []any{opt("o", "v")})))},
		"query":         {modalOf(field(external("min_query_length", 0))), modalOf(field(external("min_query_length", -1)))},
		"query type":    {modalOf(field(external("min_query_length", 1))), modalOf(field(external("min_query_length", "1")))},
		"several":       {modalOf(field(several("initial_options", repeat(2, pair), "max_selected_items", 2))), modalOf(field(several("initial_options", repeat(2, pair), "max_selected_items", 1)))},
		"none of many":  {modalOf(field(several("initial_options", repeat(1, pair)))), modalOf(field(several("initial_options", []any{})))},
		"most of many":  {modalOf(field(several("max_selected_items", 1))), modalOf(field(several("max_selected_items", 0)))},
		"many values":   {modalOf(field(several("initial_options", repeat(1, pair)))), modalOf(field(several("initial_options", []any{opt("o", strings.Repeat("v", 151))})))},
		"one of many":   {modalOf(field(several())), modalOf(field(several("initial_option", opt("o", "v"))))},
		"external kind": {modalOf(field(external())), modalOf(actions(external()))},
		"conversations": {modalOf(field(channels("exclude_bot_users", true, "include", []any{"public", "private", "im", "mpim"}))), modalOf(field(channels("include", []any{"open"})))},
		"some channels": {modalOf(field(channels("include", []any{"im"}))), modalOf(field(channels("include", []any{})))},
		"filter":        {modalOf(field(channels("exclude_external_shared_channels", true))), modalOf(field(channels()))},
		"filter field":  {modalOf(field(channels("exclude_bot_users", true))), modalOf(field(channels("exclude_guests", true)))},
		"channel kind":  {modalOf(field(channels("exclude_bot_users", true))), modalOf(actions(channels("exclude_bot_users", true)))},
		"dispatch":      {modalOf(with(field(options(1, 1, 1)), "dispatch_action", true)), modalOf(with(field(typed), "dispatch_action", true))},
		"metadata":      {with(modalOf(divider(0)), "private_metadata", strings.Repeat("x", 3000)), with(modalOf(divider(0)), "private_metadata", strings.Repeat("x", 3001))},
		"callback_id":   {with(modalOf(divider(0)), "callback_id", strings.Repeat("x", 255)), with(modalOf(divider(0)), "callback_id", strings.Repeat("x", 256))},
		"size":          {modalOf(repeat(80, func(int) obj { return section(mrk(1500)) })...), modalOf(repeat(90, func(int) obj { return section(mrk(3000)) })...)},
		"unknown field": {modalOf(divider(0)), with(modalOf(divider(0)), "footer", pt(1))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := CheckView(dump(t, c.good)); len(got) > 0 {
				t.Errorf("the good one: %v", got)
			}
			if got := CheckView(dump(t, c.bad)); len(got) == 0 {
				t.Error("the bad one passes")
			}
		})
	}
}

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.connect(always(nil))
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	if err != nil {
		t.Fatal(err)
	}
	big := modalOf(repeat(90, func(int) obj { return section(mrk(3000)) })...)
	for _, c := range []struct {
		method, code string
		body         obj
	}{
		{"views.open", "view_too_large", obj{"trigger_id": r.triggerID, "view": big}},
		{"views.open", "invalid_arguments", obj{"trigger_id": r.triggerID, "view": modalOf(obj{"type": "x"})}},
		{"chat.postMessage", "msg_blocks_too_long", with(message(repeat(5, func(int) obj { return section(mrk(3000)) })...), "channel", "C1")},
		{"chat.postMessage", "msg_too_long", obj{"channel": "C1", "text": strings.Repeat("x", 4001)}},
		{"chat.postMessage", "invalid_blocks", with(message(actions()), "channel", "C1")},
	} {
		got := b.json(c.method, b.w.BotToken(), c.body)
		b.wantError(got, c.code)
		if m, _ := got["response_metadata"].(map[string]any)["messages"].([]any); len(m) == 0 {
			t.Errorf("%s: no response_metadata.messages: %v", c.code, got)
		}
	}
	if n := len(b.w.Violations()); n < 5 {
		t.Errorf("%d violations", n)
	}
}

func TestCheckOfNoObject(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "7", `{"blocks":7}`, "null junk"} {
		if len(CheckMessage([]byte(raw))) == 0 {
			t.Errorf("%q passes", raw)
		}
	}
	if len(CheckView([]byte("7"))) == 0 {
		t.Error("7 passes as a view")
	}
}
