package slacksim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// valueKey returns the field of view.state that carries the value of an input, and
// the field of the element that carries the first one.
func valueKey(kind string) (key, initial string) {
	switch kind {
	case "static_select", "external_select", "overflow":
		return "selected_option", "initial_option"
	case "multi_external_select":
		return "selected_options", "initial_options"
	case "users_select":
		return "selected_user", "initial_user"
	case "conversations_select":
		return "selected_conversation", "initial_conversation"
	default:
		return "value", "initial_value"
	}
}

// initialState returns the state of an element nobody touched. Slack sends null for
// nothing chosen, or an empty list where several options can be.
func initialState(e Block) map[string]any {
	key, initial := valueKey(e.Type())
	value := e[initial]
	if key == "selected_options" && value == nil {
		value = []any{}
	}
	return map[string]any{"type": e.Type(), key: value}
}

// choose returns the state of an element for what a person enters or chooses; an
// option is named by its value or its text, and "" is nothing. Only where several
// options can be chosen is more than one taken.
func choose(e Block, entered ...string) (map[string]any, error) {
	key, _ := valueKey(e.Type())
	var value any
	var err error
	switch first := cmp.Or(entered...); {
	case key == "selected_options":
		value, err = optionsNamed(e, entered)
	case first == "":
	case key == "selected_option":
		value, err = option(e, first)
	case e.Type() == "plain_text_input":
		value, err = typed(e, first)
	default:
		value = first
	}
	return map[string]any{"type": e.Type(), key: value}, err
}

// optionsNamed returns the options with those names.
func optionsNamed(e Block, names []string) ([]any, error) {
	chosen := []any{}
	for _, name := range names {
		if name == "" {
			continue
		}
		one, err := option(e, name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, map[string]any(one))
	}
	if most := number(e["max_selected_items"]); most > 0 && len(chosen) > most {
		return nil, fmt.Errorf("slacksim: no more than %d can be chosen", most)
	}
	return chosen, nil
}

func option(e Block, name string) (Block, error) {
	all := e.options()
	i := slices.IndexFunc(all, func(o Block) bool { return o.str("value") == name })
	if i < 0 { // a text may look like the value of another option
		i = slices.IndexFunc(all, func(o Block) bool { return o.text("text") == name })
	}
	if i < 0 {
		return nil, unknown("option", name)
	}
	return all[i], nil
}

// typed checks text against the limits that Slack's client enforces.
func typed(e Block, s string) (any, error) {
	if most, ok := e["max_length"].(float64); ok && float64(utf8.RuneCountInString(s)) > most {
		return nil, fmt.Errorf("slacksim: the field takes at most %.0f characters", most)
	}
	if !e.flag("multiline") {
		s = strings.ReplaceAll(s, "\n", " ")
	}
	return s, nil
}

// states returns the state of all inputs of a view, by block and action: what was
// entered before in the same input, or else what it holds at first.
func (w *Workspace) states(v *View) map[string]map[string]any {
	states := map[string]map[string]any{}
	for _, b := range v.Blocks {
		if b.Type() != "input" {
			continue
		}
		e := b.obj("element")
		state, kept := v.state[b.str("block_id")][e.str("action_id")].(map[string]any)
		if !kept || !e.canHold(state) {
			state = initialState(e)
			if e.flag("default_to_current_conversation") {
				state["selected_conversation"] = w.current(v, e.obj("filter"))
			}
		}
		states[b.str("block_id")] = map[string]any{e.str("action_id"): state}
	}
	return states
}

// canHold reports whether an element can have that state.
func (b Block) canHold(state Block) bool {
	if b.Type() != "static_select" || state["selected_option"] == nil {
		return b.Type() == state.Type()
	}
	_, err := option(b, asBlock(state["selected_option"]).str("value"))
	return err == nil
}

// current returns the channel from which a view was opened, nil where it is not known or
// is none of those in a menu of conversations.
func (w *Workspace) current(v *View, filter Block) any {
	u, c := w.users[v.user], w.channels[v.channel]
	if u == nil || c == nil || !u.sees(c) || !c.passes(filter) {
		return nil
	}
	return c.ID
}

// enter puts what a person entered, by block and action, into the view's state. The
// state from before stays as it is for whoever has it.
func (v *View) enter(values map[string]map[string]any) error {
	state := map[string]map[string]any{}
	for block, actions := range v.state {
		state[block] = maps.Clone(actions)
	}
	for block, actions := range values {
		for action, entered := range actions {
			e := v.input(block, action)
			if e == nil {
				return unknown("input", block+"/"+action)
			}
			names, several := entered.([]string)
			if !several {
				names = []string{fmt.Sprint(entered)}
			}
			value, err := choose(e, names...)
			if err != nil {
				return err
			}
			state[block][action] = value
		}
	}
	v.state = state
	return nil
}

// input returns the element of an input, or nil. What the app was asked for counts as
// its options.
func (v *View) input(block, action string) Block {
	for _, b := range v.Blocks {
		e := b.obj("element")
		if b.str("block_id") != block || e.str("action_id") != action {
			continue
		}
		if e.external() {
			e = maps.Clone(e)
			e["options"] = v.offered[inputID{block, action}]
		}
		return e
	}
	return nil
}

// missing returns the label of the first required input that is empty, or "".
func (v *View) missing() string {
	for _, b := range v.Blocks {
		if b.Type() != "input" || b.flag("optional") {
			continue
		}
		e := b.obj("element")
		state, _ := v.state[b.str("block_id")][e.str("action_id")].(map[string]any)
		key, _ := valueKey(e.Type())
		list, several := state[key].([]any)
		if state[key] == nil || state[key] == "" || several && len(list) == 0 {
			return b.text("label")
		}
	}
	return ""
}
