package slacksim

import (
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
	case "static_select", "overflow":
		return "selected_option", "initial_option"
	case "users_select":
		return "selected_user", "initial_user"
	default:
		return "value", "initial_value"
	}
}

// initialState returns the state of an element nobody touched. Slack sends null for
// nothing chosen.
func initialState(e Block) map[string]any {
	key, initial := valueKey(e.Type())
	return map[string]any{"type": e.Type(), key: e[initial]}
}

// choose returns the state of an element for what a person enters or chooses; an
// option is named by its value or its text, and "" is nothing.
func choose(e Block, entered string) (map[string]any, error) {
	key, _ := valueKey(e.Type())
	var value any
	var err error
	switch {
	case entered == "":
	case key == "selected_option":
		value, err = option(e, entered)
	case e.Type() == "plain_text_input":
		value, err = typed(e, entered)
	default:
		value = entered
	}
	return map[string]any{"type": e.Type(), key: value}, err
}

func option(e Block, name string) (Block, error) {
	all := e.list("options")
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

// initialStates returns the state of all inputs of a view, by block and action, before
// anybody entered anything.
func initialStates(blocks []Block) map[string]map[string]any {
	states := map[string]map[string]any{}
	for _, b := range blocks {
		if b.Type() == "input" {
			e := b.obj("element")
			states[b.str("block_id")] = map[string]any{e.str("action_id"): initialState(e)}
		}
	}
	return states
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
			value, err := choose(e, fmt.Sprint(entered))
			if err != nil {
				return err
			}
			state[block][action] = value
		}
	}
	v.state = state
	return nil
}

func (v *View) input(block, action string) Block {
	for _, b := range v.Blocks {
		if e := b.obj("element"); b.str("block_id") == block && e.str("action_id") == action {
			return e
		}
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
		if key, _ := valueKey(e.Type()); state[key] == nil || state[key] == "" {
			return b.text("label")
		}
	}
	return ""
}
