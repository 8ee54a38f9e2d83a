package slacksim

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
)

// Block is a Block Kit object as it came: a block, an element or a text.
type Block map[string]any

// Type returns the block's "type".
func (b Block) Type() string { return b.str("type") }

func (b Block) str(key string) string {
	s, _ := b[key].(string)
	return s
}

func (b Block) flag(key string) bool {
	v, _ := b[key].(bool)
	return v
}

// obj returns the object under key, nil when there is none.
func (b Block) obj(key string) Block {
	m, _ := b[key].(map[string]any)
	return m
}

// list returns the objects under key; anything else in the list becomes nil.
func (b Block) list(key string) []Block {
	items, _ := b[key].([]any)
	out := make([]Block, len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		out[i] = m
	}
	return out
}

// text returns the content of the text object under key.
func (b Block) text(key string) string { return b.obj(key).str("text") }

// controls returns what can be pressed or chosen from in a block, inputs left out.
func (b Block) controls() []Block {
	switch {
	case b.Type() == "actions":
		return b.list("elements")
	case b.Type() == "section" && b["accessory"] != nil:
		return []Block{b.obj("accessory")}
	}
	return nil
}

// elements returns the controls and the inputs of a block.
func (b Block) elements() []Block {
	if b.Type() == "input" {
		return []Block{b.obj("element")}
	}
	return b.controls()
}

// cloneBlocks copies deeply, so that what was stored never changes.
func cloneBlocks(blocks []Block) []Block {
	raw, err := json.Marshal(blocks)
	if err != nil {
		return nil
	}
	var out []Block
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// nameBlocks returns a copy of the blocks in which every block has a block_id, and
// every element an action_id, as Slack assigns them on receipt. The caller holds mu.
func (w *Workspace) nameBlocks(blocks []Block) []Block {
	blocks = cloneBlocks(blocks)
	for _, b := range blocks {
		if b.str("block_id") == "" {
			b["block_id"] = w.nextID("b")
		}
		for _, e := range b.elements() {
			if e.str("action_id") == "" {
				e["action_id"] = w.nextID("b")
			}
		}
	}
	return blocks
}

// mrkdwnOf returns the text of every mrkdwn object inside blocks.
func mrkdwnOf(blocks []Block) []string {
	var out []string
	var walk func(any)
	walk = func(x any) {
		switch v := x.(type) {
		case map[string]any:
			if s, ok := v["text"].(string); ok && v["type"] == "mrkdwn" {
				out = append(out, s)
			}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(v[key])
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	for _, b := range blocks {
		walk(map[string]any(b))
	}
	return out
}

// options returns the options of a menu, whether or not they stand in groups.
func (b Block) options() []Block {
	all := b.list("options")
	for _, group := range b.list("option_groups") {
		all = append(all, group.list("options")...)
	}
	return all
}

// Button is something a person can press or choose from: a button, a menu, or one
// option of an overflow menu.
type Button struct {
	ActionID string
	Label    string // of a menu its placeholder
	Value    string
	Confirm  string // text of the confirmation dialog, empty when there is none
}

// buttonsOf returns what can be pressed in blocks outside input blocks.
func buttonsOf(blocks []Block) []Button {
	var out []Button
	for _, b := range blocks {
		for _, e := range b.controls() {
			out = append(out, e.buttons()...)
		}
	}
	return out
}

// buttons returns an element as what can be pressed.
func (b Block) buttons() []Button {
	said := []Block{b}
	if b.Type() == "overflow" {
		said = b.list("options")
	}
	var out []Button
	for _, s := range said {
		out = append(out, Button{
			ActionID: b.str("action_id"), Label: cmp.Or(s.text("text"), s.text("placeholder")), Value: s.str("value"),
			Confirm: b.obj("confirm").text("text"),
		})
	}
	return out
}
