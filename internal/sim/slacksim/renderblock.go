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
		return r.section(b)
	case "context":
		return r.context(b)
	case "actions":
		return r.controls(b.list("elements"))
	case "input":
		return r.input(b)
	case "table", "data_table":
		return r.table(b)
	case "rich_text":
		return r.wrap(r.richText(b))
	case "markdown":
		return r.wrap(clean(b.str("text")))
	case "alert":
		return r.wrap(r.object(b.obj("text")))
	case "image":
		return []string{"[image: " + clean(b.str("alt_text")) + "]"}
	case "container":
		return append([]string{r.style(bold, r.object(b.obj("title")))}, r.blocks(b.list("child_blocks"))...)
	default:
		return []string{r.style(dim, "["+clean(b.Type())+"]")}
	}
}

// object renders a text object.
func (r *renderer) object(t Block) string {
	if t.Type() == "mrkdwn" {
		return r.mrkdwn(t.str("text"))
	}
	return r.plainText(t.str("text"))
}

// plainText renders emoji and nothing else.
func (r *renderer) plainText(s string) string {
	var out strings.Builder
	for s = clean(s); len(s) > 0; {
		if name := emojiName.FindString(s); name != "" {
			out.WriteString(emoji(name))
			s = s[len(name):]
			continue
		}
		out.WriteByte(s[0])
		s = s[1:]
	}
	return out.String()
}

func (r *renderer) section(b Block) []string {
	var out []string
	if t := b.obj("text"); t != nil {
		out = r.wrap(r.object(t))
	}
	out = append(out, r.fields(b.list("fields"))...)
	if a := b.obj("accessory"); a != nil {
		out = append(out, r.control(a))
	}
	return out
}

// fields stand in two columns where there is room.
func (r *renderer) fields(list []Block) []string {
	half := r.viewer.Width/2 - 1
	var out []string
	for i := 0; i < len(list); i += 2 {
		left := wrapTo(r.object(list[i]), half)
		var right []string
		if i+1 < len(list) {
			right = wrapTo(r.object(list[i+1]), half)
		}
		for j := range max(len(left), len(right)) {
			out = append(out, strings.TrimRight(pad(at(left, j), half)+"  "+at(right, j), " "))
		}
	}
	return out
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func (r *renderer) context(b Block) []string {
	var parts []string
	for _, e := range b.list("elements") {
		if e.Type() == "image" {
			parts = append(parts, "["+clean(e.str("alt_text"))+"]")
		} else {
			parts = append(parts, r.object(e))
		}
	}
	lines := r.wrap(strings.Join(parts, "  "))
	for i := range lines {
		lines[i] = r.style(dim, lines[i])
	}
	return lines
}

// controls stand side by side, as many as a line takes.
func (r *renderer) controls(list []Block) []string {
	var out []string
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
	case "button", "workflow_button":
		return r.button(e)
	case "image":
		return "[image: " + clean(e.str("alt_text")) + "]"
	case "checkboxes", "radio_buttons":
		return r.choices(e)
	case "overflow":
		return "[ … ]"
	case "plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input":
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

// shown is what a field holds at first, or else its placeholder.
func (r *renderer) shown(e Block) string {
	for _, key := range []string{"initial_value", "initial_date", "initial_time"} {
		if s := e.str(key); s != "" {
			return clean(s)
		}
	}
	if o := e.obj("initial_option"); o != nil {
		return r.object(o.obj("text"))
	}
	for _, key := range []string{"initial_user", "initial_channel", "initial_conversation"} {
		if id := e.str(key); id != "" {
			return "@" + r.names.or(id, id)
		}
	}
	if p := e.obj("placeholder"); p != nil {
		return r.style(dim, r.object(p))
	}
	return ""
}

func (r *renderer) choices(e Block) string {
	chosen := map[string]bool{e.obj("initial_option").str("value"): true}
	for _, o := range e.list("initial_options") {
		chosen[o.str("value")] = true
	}
	var out []string
	for _, o := range e.list("options") {
		mark := "☐ "
		if chosen[o.str("value")] {
			mark = "☑ "
		}
		out = append(out, mark+r.object(o.obj("text")))
	}
	return strings.Join(out, "\n")
}

func (r *renderer) input(b Block) []string {
	label := r.style(bold, r.object(b.obj("label")))
	if b.flag("optional") {
		label += r.style(dim, " (optional)")
	}
	out := append([]string{label}, strings.Split(r.control(b.obj("element")), "\n")...)
	if hint := b.obj("hint"); hint != nil {
		out = append(out, r.style(dim, r.object(hint)))
	}
	return out
}
