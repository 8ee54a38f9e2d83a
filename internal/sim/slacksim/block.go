package slacksim

import "encoding/json"

// Block is a Block Kit object as it came, a block, an element or a text.
type Block map[string]any

// Type is the block's "type".
func (b Block) Type() string { return b.str("type") }

func (b Block) str(key string) string {
	s, _ := b[key].(string)
	return s
}

func (b Block) flag(key string) bool {
	v, _ := b[key].(bool)
	return v
}

// obj is the object under key, nil when there is none.
func (b Block) obj(key string) Block {
	m, _ := b[key].(map[string]any)
	return m
}

// list returns the objects under key; anything else in the list becomes nil.
func (b Block) list(key string) []Block {
	items, _ := b[key].([]any)
	return objects(items)
}

func objects(items []any) []Block {
	out := make([]Block, len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		out[i] = m
	}
	return out
}

// text is the content of the text object under key.
func (b Block) text(key string) string { return b.obj(key).str("text") }

// elements are the interactive parts and inputs of a block.
func (b Block) elements() []Block {
	switch b.Type() {
	case "actions", "context_actions":
		return b.list("elements")
	case "section":
		if b.obj("accessory") != nil {
			return []Block{b.obj("accessory")}
		}
	case "input":
		return []Block{b.obj("element")}
	case "card":
		return b.list("actions")
	}
	return nil
}

// nested returns the block and the blocks inside it.
func (b Block) nested() []Block {
	all := []Block{b}
	for _, key := range []string{"child_blocks", "elements"} {
		if t := b.Type(); t != "container" && t != "carousel" {
			break
		}
		for _, child := range b.list(key) {
			all = append(all, child.nested()...)
		}
	}
	return all
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

// nameBlocks gives every block without one a block_id, and every element an
// action_id, as Slack does on receipt.
func nameBlocks(blocks []Block, next func() string) []Block {
	blocks = cloneBlocks(blocks)
	for _, top := range blocks {
		for _, b := range top.nested() {
			if b.str("block_id") == "" {
				b["block_id"] = next()
			}
			for _, e := range b.elements() {
				if e != nil && e.str("action_id") == "" && e.Type() != "image" {
					e["action_id"] = next()
				}
			}
		}
	}
	return blocks
}

// Button is something a person can press or choose from.
type Button struct {
	Type     string // "button", "users_select", …
	ActionID string
	BlockID  string
	Label    string
	Value    string
	Style    string
	URL      string
	Confirm  string // text of the confirmation dialog, empty when there is none
}

// buttonsOf lists the interactive elements of blocks outside input blocks.
func buttonsOf(blocks []Block) []Button {
	var out []Button
	for _, top := range blocks {
		for _, b := range top.nested() {
			if b.Type() == "input" {
				continue
			}
			for _, e := range b.elements() {
				if e != nil && e.Type() != "image" {
					out = append(out, buttonOf(b, e))
				}
			}
		}
	}
	return out
}

func buttonOf(b, e Block) Button {
	label := e.text("text")
	if label == "" {
		label = e.text("placeholder")
	}
	return Button{
		Type: e.Type(), ActionID: e.str("action_id"), BlockID: b.str("block_id"), Label: label,
		Value: e.str("value"), Style: e.str("style"), URL: e.str("url"), Confirm: e.obj("confirm").text("text"),
	}
}
