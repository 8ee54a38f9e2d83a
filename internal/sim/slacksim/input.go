package slacksim

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// stateful tells whether an element has a value in view.state.
func stateful(kind string) bool {
	return kind != "button" && kind != "overflow" && kind != "image" && kind != "workflow_button" && kind != ""
}

// valueKey names the field that carries the choice of an element.
func valueKey(kind string) string {
	switch kind {
	case "static_select", "external_select", "radio_buttons", "overflow":
		return "selected_option"
	case "multi_static_select", "multi_external_select", "checkboxes":
		return "selected_options"
	case "users_select":
		return "selected_user"
	case "multi_users_select":
		return "selected_users"
	case "conversations_select":
		return "selected_conversation"
	case "multi_conversations_select":
		return "selected_conversations"
	case "channels_select":
		return "selected_channel"
	case "multi_channels_select":
		return "selected_channels"
	case "datepicker":
		return "selected_date"
	case "timepicker":
		return "selected_time"
	case "datetimepicker":
		return "selected_date_time"
	default:
		return "value"
	}
}

// initialKey names the field of an element that carries its first choice.
func initialKey(kind string) string {
	return strings.Replace(valueKey(kind), "selected_", "initial_", 1)
}

// initialValue is the state of an element nobody touched. Slack sends null for
// nothing chosen, and an empty list for nothing ticked.
func initialValue(e Block) map[string]any {
	key, first := valueKey(e.Type()), initialKey(e.Type())
	if key == "value" {
		first = "initial_value"
	}
	value := e[first]
	if value == nil && strings.HasSuffix(key, "s") {
		value = []any{}
	}
	return map[string]any{"type": e.Type(), key: value}
}

// choose builds the state of an element for what a person enters: a string, or
// a list of strings for several choices. Options are named by value or by text.
func choose(e Block, entered any) (map[string]any, error) {
	key := valueKey(e.Type())
	state := map[string]any{"type": e.Type()}
	var err error
	switch key {
	case "selected_option":
		state[key], err = option(e, fmt.Sprint(entered))
	case "selected_options":
		state[key], err = optionList(e, texts(entered))
	case "value":
		state[key], err = typed(e, entered)
	default:
		state[key] = entered
	}
	return state, err
}

func texts(entered any) []string {
	switch v := entered.(type) {
	case []string:
		return v
	case string:
		return []string{v}
	default:
		return nil
	}
}

func option(e Block, name string) (Block, error) {
	all := e.list("options")
	for _, group := range e.list("option_groups") {
		all = append(all, group.list("options")...)
	}
	i := slices.IndexFunc(all, func(o Block) bool { return o.str("value") == name || o.text("text") == name })
	if i < 0 {
		return nil, unknown("option", name)
	}
	return all[i], nil
}

func optionList(e Block, names []string) (any, error) {
	out := []any{}
	for _, name := range names {
		o, err := option(e, name)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// typed checks text against the limits that Slack's client enforces.
func typed(e Block, entered any) (any, error) {
	s, ok := entered.(string)
	if !ok {
		return entered, nil
	}
	if s == "" {
		return nil, nil
	}
	n := float64(utf8.RuneCountInString(s))
	if most, ok := e["max_length"].(float64); ok && n > most {
		return nil, fmt.Errorf("slacksim: the field takes at most %.0f characters", most)
	}
	if least, ok := e["min_length"].(float64); ok && n < least {
		return nil, fmt.Errorf("slacksim: the field wants at least %.0f characters", least)
	}
	if !e.flag("multiline") && e.Type() == "plain_text_input" {
		s = strings.ReplaceAll(s, "\n", " ")
	}
	return s, nil
}

// enter puts what a person entered into the view's state.
func (v *View) enter(values map[string]map[string]any) error {
	v.state = v.initialState()
	for block, actions := range values {
		for action, entered := range actions {
			e := v.element(block, action)
			if e == nil {
				return unknown("input", block+"/"+action)
			}
			state, err := choose(e, entered)
			if err != nil {
				return err
			}
			v.state[block][action] = state
		}
	}
	return nil
}

func (v *View) element(block, action string) Block {
	for _, b := range v.Blocks {
		for _, e := range b.elements() {
			if b.str("block_id") == block && e.str("action_id") == action && stateful(e.Type()) {
				return e
			}
		}
	}
	return nil
}

// missing names the first required input that is empty.
func (v *View) missing() string {
	for _, b := range v.Blocks {
		if b.Type() != "input" || b.flag("optional") {
			continue
		}
		e := b.obj("element")
		state, _ := v.state[b.str("block_id")][e.str("action_id")].(map[string]any)
		if empty(state[valueKey(e.Type())]) {
			return b.text("label")
		}
	}
	return ""
}

func empty(value any) bool {
	list, isList := value.([]any)
	names, isNames := value.([]string)
	return value == nil || value == "" || isList && len(list) == 0 || isNames && len(names) == 0
}
