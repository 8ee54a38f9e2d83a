package slacksim

import "strings"

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
		one := r.control(e)
		if n := len(out); n > 0 && width(out[n-1])+2+width(one) <= r.viewer.Width {
			out[n-1] += "  " + one
		} else {
			out = append(out, one)
		}
	}
	return out
}

// control draws a button, a menu or a field.
func (r *renderer) control(e Block) string {
	switch e.Type() {
	case "button":
		return r.button(e)
	case "overflow":
		return r.overflow(e)
	case "plain_text_input":
		return "[ " + pad(r.shown(e), 30) + " ]"
	default:
		return "[ " + r.shown(e) + " ▾ ]"
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

// shown returns what a field holds at first, or else its placeholder.
func (r *renderer) shown(e Block) string {
	switch {
	case e["initial_value"] != nil:
		return clean(e.str("initial_value"))
	case e["initial_option"] != nil:
		return r.object(e.obj("initial_option").obj("text"))
	case e["initial_user"] != nil:
		return "@" + r.names.or(e.str("initial_user"), e.str("initial_user"))
	}
	return r.style(dim, r.object(e.obj("placeholder")))
}

func (r *renderer) input(b Block) []string {
	label := r.style(bold, r.object(b.obj("label")))
	if b.flag("optional") {
		label += r.style(dim, " (optional)")
	}
	out := []string{label, r.control(b.obj("element"))}
	if hint := b.obj("hint"); hint != nil {
		out = append(out, r.style(dim, r.object(hint)))
	}
	return out
}
