package slacksim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

func item(path string, i int) string { return fmt.Sprintf("%s/%d", path, i) }

func (c *checker) blocks(path string, blocks []Block) {
	for i, b := range blocks {
		c.block(item(path, i), b)
	}
}

// block checks a block of one of the types that the app uses. All of them may stand
// in messages, modals and Home tabs.
func (c *checker) block(path string, b Block) {
	c.blockID(path, b)
	known := func(fields string) { c.known(path, b, "type block_id "+fields) }
	switch b.Type() {
	case "section":
		known("text accessory")
		c.rich(path+"/text", b["text"], 3000)
		if b["accessory"] != nil {
			c.element(path+"/accessory", b.obj("accessory"), "button overflow")
		}
	case "header":
		known("text")
		c.plain(path+"/text", b["text"], true, 150)
		c.rendered += headerWeight
	case "divider":
		known("")
	case "actions":
		known("elements")
		c.actions(path, b.list("elements"))
	case "context":
		known("elements")
		texts := b.list("elements")
		c.count(path+"/elements", len(texts), 1, 10)
		for i, t := range texts {
			c.rich(item(path+"/elements", i), map[string]any(t), 3000)
		}
	case "input":
		known("label element hint optional dispatch_action")
		c.inputs++
		c.plain(path+"/label", b["label"], true, 2000)
		c.plain(path+"/hint", b["hint"], false, 2000)
		c.element(path+"/element", b.obj("element"), "plain_text_input static_select users_select external_select multi_external_select conversations_select")
		if b.flag("dispatch_action") && b.obj("element").Type() != "static_select" {
			c.fail(path+"/dispatch_action", "is for a static_select only")
		}
	default:
		c.fail(path+"/type", "unsupported type: %q", b.Type())
	}
}

func (c *checker) blockID(path string, b Block) {
	id := b.str("block_id")
	if id == "" {
		return
	}
	c.length(path+"/block_id", id, 1, maxID)
	if c.blockIDs[id] {
		c.fail(path+"/block_id", "%q is there twice", id)
	}
	c.blockIDs[id] = true
}

func (c *checker) actions(path string, elements []Block) {
	c.count(path+"/elements", len(elements), 1, 25)
	seen := map[string]bool{}
	for i, e := range elements {
		c.element(item(path+"/elements", i), e, "button overflow static_select users_select")
		if id := e.str("action_id"); id != "" && seen[id] {
			c.fail(path, "action_id %q is there twice", id)
		}
		seen[e.str("action_id")] = true
	}
}

// element checks an interactive element in a place that takes the types in allowed.
func (c *checker) element(path string, e Block, allowed string) {
	kind := e.Type()
	if !slices.Contains(strings.Fields(allowed), kind) {
		c.fail(path+"/type", "%q is not taken here", kind)
		return
	}
	known := func(fields string) { c.known(path, e, "type action_id confirm "+fields) }
	c.length(path+"/action_id", e.str("action_id"), 0, maxID)
	c.confirm(path+"/confirm", e["confirm"])
	c.plain(path+"/placeholder", e["placeholder"], false, 150)
	switch kind {
	case "button":
		known("text value style accessibility_label")
		c.plain(path+"/text", e["text"], true, 75)
		if e["accessibility_label"] != nil {
			c.length(path+"/accessibility_label", e.str("accessibility_label"), 1, 75)
		}
		c.style(path+"/style", e)
		c.value(path+"/value", e["value"])
	case "static_select":
		known("placeholder options option_groups initial_option")
		c.choices(path, e, 1)
	case "external_select":
		known("placeholder min_query_length initial_option")
		c.external(path, e)
		if e["initial_option"] != nil {
			c.option(path+"/initial_option", e.obj("initial_option"))
		}
	case "multi_external_select":
		known("placeholder min_query_length initial_options max_selected_items")
		c.external(path, e)
		c.initialOptions(path, e)
	case "overflow":
		known("options")
		c.options(path, e, 1, 5)
	case "users_select":
		known("placeholder initial_user")
	case "conversations_select":
		known("placeholder initial_conversation default_to_current_conversation filter")
		c.filter(path+"/filter", e)
	case "plain_text_input":
		known("placeholder initial_value multiline max_length")
		if most, set := e["max_length"].(float64); set && (most < 1 || most > 3000) {
			c.fail(path+"/max_length", "must be 1 to 3000")
		}
		c.length(path+"/initial_value", e.str("initial_value"), 0, 3000)
	}
}

func (c *checker) value(path string, value any) {
	text, isText := value.(string)
	if value != nil && !isText {
		c.fail(path, "must be a string")
	}
	c.length(path, text, 0, 2000)
}

// choices checks the options of a menu, which may stand in groups.
func (c *checker) choices(path string, e Block, least int) {
	if (e["options"] == nil) == (e["option_groups"] == nil) {
		c.fail(path, "must have either options or option_groups")
	}
	if e["options"] != nil {
		c.options(path, e, least, 100)
	}
	if e["option_groups"] == nil {
		return
	}
	groups := e.list("option_groups")
	c.count(path+"/option_groups", len(groups), least, 100)
	for i, g := range groups {
		at := item(path+"/option_groups", i)
		c.known(at, g, "label options")
		c.plain(at+"/label", g["label"], true, 75)
		c.options(at, g, 1, 100)
	}
	c.firstOption(path, e)
}

// options checks the options of a menu. The first choice must be one of them, letter by letter.
func (c *checker) options(path string, e Block, least, most int) {
	options := e.list("options")
	c.count(path+"/options", len(options), least, most)
	for i, o := range options {
		c.option(item(path+"/options", i), o)
	}
	c.firstOption(path, e)
}

func (c *checker) firstOption(path string, e Block) {
	if first := e.obj("initial_option"); first != nil {
		found, err := option(e, first.str("value"))
		if err != nil || found.text("text") != first.text("text") {
			c.fail(path+"/initial_option", "is none of the options")
		}
	}
}

func (c *checker) option(path string, o Block) {
	c.known(path, o, "text value")
	c.plain(path+"/text", o["text"], true, 75)
	c.length(path+"/value", o.str("value"), 1, 150)
}

// external checks what menus have whose options the app is asked for.
func (c *checker) external(path string, e Block) {
	if least, set := e["min_query_length"]; set && !whole(least, 0) {
		c.fail(path+"/min_query_length", "must be a number that is not negative")
	}
}

// initialOptions checks what is chosen at first in a menu of which several options can be.
func (c *checker) initialOptions(path string, e Block) {
	first := e.list("initial_options")
	most := 100
	if set := e["max_selected_items"]; set != nil {
		if !whole(set, 1) {
			c.fail(path+"/max_selected_items", "must be a number from 1 on")
		}
		most = number(set)
	}
	if e["initial_options"] != nil {
		c.count(path+"/initial_options", len(first), 1, most)
	}
	for i, o := range first {
		c.option(item(path+"/initial_options", i), o)
	}
}

// filter checks which conversations a menu has.
func (c *checker) filter(path string, e Block) {
	if e["filter"] == nil {
		return
	}
	filter := e.obj("filter")
	c.known(path, filter, "include exclude_external_shared_channels exclude_bot_users")
	c.count(path, len(filter), 1, 3)
	kinds, listed := filter["include"].([]any)
	if filter["include"] != nil && (!listed || len(kinds) == 0) {
		c.fail(path+"/include", "must be a list that is not empty")
	}
	for i, kind := range kinds {
		if !slices.Contains([]any{"im", "mpim", "private", "public"}, kind) {
			c.fail(item(path+"/include", i), "must be im, mpim, private or public")
		}
	}
}

// whole reports whether value is a whole number of at least that size.
func whole(value any, least float64) bool {
	n, is := value.(float64)
	return is && n == math.Trunc(n) && n >= least
}

func (c *checker) confirm(path string, value any) {
	if value == nil {
		return
	}
	m, _ := value.(map[string]any)
	b := Block(m)
	c.known(path, b, "title text confirm deny style")
	c.plain(path+"/title", b["title"], true, 100)
	c.rich(path+"/text", b["text"], 300)
	c.plain(path+"/confirm", b["confirm"], true, 30)
	c.plain(path+"/deny", b["deny"], true, 30)
	c.style(path+"/style", b)
}

func (c *checker) style(path string, b Block) {
	if s, set := b["style"]; set && s != "primary" && s != "danger" {
		c.fail(path, "must be primary or danger")
	}
}

// plain checks a plain_text object of at most most characters.
func (c *checker) plain(path string, value any, required bool, most int) {
	if value != nil || required {
		c.text(path, value, most, "plain_text")
	}
}

// rich checks a text object that must be there and may also be mrkdwn.
func (c *checker) rich(path string, value any, most int) {
	c.text(path, value, most, "plain_text", "mrkdwn")
}

// text checks a text object and adds it to the rendered total, in which & < > count
// in their escaped form.
func (c *checker) text(path string, value any, most int, kinds ...string) {
	m, isObject := value.(map[string]any)
	if !isObject {
		c.fail(path, "must be a text object")
		return
	}
	t := Block(m)
	if !slices.Contains(kinds, t.Type()) {
		c.fail(path+"/type", "must be %v, is %q", kinds, t.Type())
	}
	c.known(path, t, "type text emoji verbatim")
	if t.Type() == "mrkdwn" && t["emoji"] != nil {
		c.fail(path+"/emoji", "is for plain_text only")
	}
	s := t.str("text")
	c.length(path+"/text", s, 1, most)
	if t.Type() != "mrkdwn" {
		s = escapeText(s)
	}
	c.rendered += utf8.RuneCountInString(s)
}
