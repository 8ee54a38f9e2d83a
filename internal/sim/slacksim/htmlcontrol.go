package slacksim

import (
	"fmt"
	"slices"
)

// htmlControl is what the template of a button, a menu or a field shows.
type htmlControl struct {
	Kind        string // button, overflow, select, search, input, textarea or unknown
	Action      string
	Value       string // of a button; what a field of text holds
	Text        string
	Heard       string // in place of the text of a button
	Style       string
	Confirm     *htmlConfirm
	Placeholder string
	Options     []htmlOption // of a search those that are chosen
	Unknown     string       // what cannot be shown

	ID, Block   string // these are of fields only
	Label, Hint string
	Required    bool
	Dispatch    bool // what is chosen in it is sent at once
	Least, Most int  // characters, 0 for any number; of a search: characters at least, options at most
}

// htmlOption is a choice of a menu.
type htmlOption struct {
	Value, Text string
	Selected    bool
}

// htmlConfirm is the dialog before a control acts.
type htmlConfirm struct {
	Title, Text, Yes, No string
	Danger               bool
}

// htmlControls returns the controls of a block.
func (r *renderer) htmlControls(b Block) []htmlControl {
	var out []htmlControl
	for _, e := range b.controls() {
		out = append(out, r.htmlControl(e))
	}
	return out
}

// htmlControl returns an element outside of inputs.
func (r *renderer) htmlControl(e Block) htmlControl {
	h := r.htmlElement(e, initialState(e))
	if h.Kind == "input" || h.Kind == "textarea" || h.Kind == "search" {
		h.Kind, h.Unknown = "unknown", fmt.Sprintf("%q among buttons", e.Type())
	}
	return h
}

// htmlField returns the element of an input block, with what was entered in the block.
func (r *renderer) htmlField(b Block) htmlControl {
	e := b.obj("element")
	h := r.htmlElement(e, r.state(b))
	if h.Kind == "button" || h.Kind == "overflow" {
		h.Kind, h.Unknown = "unknown", fmt.Sprintf("%q as a field", e.Type())
	}
	h.Block, h.Label, h.Hint = b.str("block_id"), r.words(b.obj("label")), r.words(b.obj("hint"))
	h.Required, h.Dispatch = !b.flag("optional"), b.flag("dispatch_action")
	return h
}

// htmlElement returns an element that holds what state says.
func (r *renderer) htmlElement(e, state Block) htmlControl {
	h := htmlControl{
		Kind: "select", Action: e.str("action_id"), Placeholder: r.words(e.obj("placeholder")), Confirm: r.htmlConfirm(e.obj("confirm")),
	}
	switch e.Type() {
	case "button":
		h.Kind, h.Value, h.Text, h.Style = "button", e.str("value"), r.words(e.obj("text")), e.str("style")
		h.Heard = clean(e.str("accessibility_label"))
	case "overflow":
		h.Kind, h.Options = "overflow", r.htmlOptions(e, state)
	case "static_select":
		h.Options = r.htmlOptions(e, state)
	case "external_select", "multi_external_select":
		h.Kind, h.Least, h.Most = "search", e.leastQuery(), 1
		h.Options = r.htmlChosen(append(state.list("selected_options"), asBlock(state["selected_option"])))
		if e.Type() == "multi_external_select" {
			h.Most = number(e["max_selected_items"])
		}
	case "users_select":
		h.Options = htmlIDs(r.people, state.str("selected_user"), r.person)
	case "conversations_select":
		h.Options = htmlIDs(r.conversations(e.obj("filter")), state.str("selected_conversation"), r.conversation)
	case "plain_text_input":
		h.Kind = "input"
		if e.flag("multiline") {
			h.Kind = "textarea"
		}
		h.Value = state.str("value")
		h.Least, h.Most = number(e["min_length"]), number(e["max_length"])
	default:
		h.Kind, h.Unknown = "unknown", fmt.Sprintf("an element of type %q", e.Type())
	}
	if h.Kind == "select" && h.Placeholder == "" {
		h.Placeholder = "Choose"
	}
	return h
}

func number(value any) int {
	n, _ := value.(float64)
	return int(n)
}

func (r *renderer) htmlOptions(e, state Block) []htmlOption {
	chosen := asBlock(state["selected_option"]).str("value")
	var out []htmlOption
	for _, o := range e.options() {
		value := o.str("value")
		out = append(out, htmlOption{Value: value, Text: r.words(o.obj("text")), Selected: value == chosen})
	}
	return out
}

// htmlChosen returns options that are chosen; what is nil is left out.
func (r *renderer) htmlChosen(options []Block) []htmlOption {
	var out []htmlOption
	for _, o := range options {
		if o != nil {
			out = append(out, htmlOption{Value: o.str("value"), Text: r.words(o.obj("text")), Selected: true})
		}
	}
	return out
}

// asBlock returns an object that came as JSON or was taken from a block.
func asBlock(value any) Block {
	switch o := value.(type) {
	case Block:
		return o
	case map[string]any:
		return o
	}
	return nil
}

// htmlIDs returns those who can be chosen, and who is chosen in any case.
func htmlIDs(ids []string, chosen string, name func(string) string) []htmlOption {
	var out []htmlOption
	if chosen != "" && !slices.Contains(ids, chosen) {
		ids = append(slices.Clone(ids), chosen)
	}
	for _, id := range ids {
		out = append(out, htmlOption{Value: id, Text: name(id), Selected: id == chosen})
	}
	return out
}

func (r *renderer) htmlConfirm(c Block) *htmlConfirm {
	if c == nil {
		return nil
	}
	return &htmlConfirm{
		Title: r.words(c.obj("title")), Text: r.words(c.obj("text")), Yes: r.words(c.obj("confirm")), No: r.words(c.obj("deny")),
		Danger: c.str("style") == "danger",
	}
}

// words renders a text object without any style.
func (r *renderer) words(t Block) string {
	plain := *r
	plain.viewer.Color = false
	return plain.object(t)
}
