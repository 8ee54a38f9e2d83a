package slacksim

import (
	"slices"
	"strings"
)

func (r *renderer) blocks(blocks []Block) []string {
	var out []string
	for _, b := range blocks {
		for _, part := range r.block(b) {
			out = append(out, strings.Split(part, "\n")...)
		}
	}
	return out
}

func (r *renderer) block(b Block) []string {
	switch b.Type() {
	case "header":
		title := r.object(b.obj("text"))
		return []string{r.style(bold, title), strings.Repeat("═", min(width(title), r.viewer.Width))}
	case "divider":
		return []string{r.style(dim, strings.Repeat("─", r.viewer.Width))}
	case "section":
		return r.controls(r.wrap(r.object(b.obj("text"))), b.controls())
	case "context":
		return r.context(b)
	case "actions":
		return r.controls(nil, b.controls())
	default:
		return r.input(b)
	}
}

// object renders a text object.
func (r *renderer) object(t Block) string {
	if t.Type() == "mrkdwn" {
		return r.mrkdwn(t.str("text"))
	}
	return clean(t.str("text"))
}

func (r *renderer) context(b Block) []string {
	var parts []string
	for _, e := range b.list("elements") {
		parts = append(parts, r.object(e))
	}
	lines := r.wrap(strings.Join(parts, "  "))
	for i := range lines {
		lines[i] = r.style(dim, lines[i])
	}
	return lines
}

// controls appends controls to lines: side by side, as many as a line takes.
func (r *renderer) controls(out []string, list []Block) []string {
	for _, e := range list {
		one := r.control(e, initialState(e))
		if n := len(out); n > 0 && width(out[n-1])+2+width(one) <= r.viewer.Width {
			out[n-1] += "  " + one
		} else {
			out = append(out, one)
		}
	}
	return out
}

// control draws a button, a menu or a field that holds what state says.
func (r *renderer) control(e Block, state map[string]any) string {
	switch e.Type() {
	case "button":
		return r.button(e)
	case "overflow":
		return r.overflow(e)
	case "plain_text_input":
		return "[ " + pad(r.shown(e, state), 30) + " ]"
	default:
		return "[ " + r.shown(e, state) + " ▾ ]"
	}
}

func (r *renderer) button(e Block) string {
	label := "[ " + r.object(e.obj("text")) + " ]"
	switch e.str("style") {
	case "primary":
		return r.style(good, label)
	case "danger":
		return r.style(bad, label)
	default:
		return label
	}
}

// overflow shows what is in the menu, which in Slack is opened first.
func (r *renderer) overflow(e Block) string {
	var options []string
	for _, o := range e.list("options") {
		options = append(options, r.object(o.obj("text")))
	}
	return "[ ⋯ " + strings.Join(options, " · ") + " ]"
}

// shown returns what a field holds, or else its placeholder.
func (r *renderer) shown(e, state Block) string {
	var held []string
	for _, o := range append(state.list("selected_options"), asBlock(state["selected_option"])) {
		held = append(held, r.object(o.obj("text")))
	}
	if id := state.str("selected_user"); id != "" {
		held = append(held, r.person(id))
	}
	if id := state.str("selected_conversation"); id != "" {
		held = append(held, r.conversation(id))
	}
	held = append(held, clean(state.str("value")))
	if text := strings.Join(slices.DeleteFunc(held, func(s string) bool { return s == "" }), ", "); text != "" {
		return text
	}
	return r.style(dim, r.object(e.obj("placeholder")))
}

func (r *renderer) person(id string) string { return "@" + r.names.or(id, id) }

// conversation returns how a menu calls a channel: direct messages by who writes them.
func (r *renderer) conversation(id string) string {
	if strings.HasPrefix(id, "D") {
		return r.person(botUserID)
	}
	return "#" + r.names.or(id, id)
}

// conversations returns the IDs of the channels that the viewer finds in a menu.
func (r *renderer) conversations(filter Block) []string {
	var ids []string
	for _, c := range r.rooms {
		if c.passes(filter) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// state returns what is entered in an input block, or what it holds at first.
func (r *renderer) state(b Block) map[string]any {
	e := b.obj("element")
	if state, entered := r.entered[b.str("block_id")][e.str("action_id")].(map[string]any); entered {
		return state
	}
	return initialState(e)
}

func (r *renderer) input(b Block) []string {
	label := r.style(bold, r.object(b.obj("label")))
	if b.flag("optional") {
		label += r.style(dim, " (optional)")
	}
	out := []string{label, r.control(b.obj("element"), r.state(b))}
	if hint := b.obj("hint"); hint != nil {
		out = append(out, r.style(dim, r.object(hint)))
	}
	return out
}
