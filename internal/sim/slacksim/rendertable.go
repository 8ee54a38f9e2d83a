package slacksim

import (
	"fmt"
	"strconv"
	"strings"
)

// table draws aligned columns under a ruled first row.
func (r *renderer) table(b Block) []string {
	rows := r.cells(b)
	widths := columnWidths(rows)
	settings := b.list("column_settings")
	var out []string
	for i, row := range rows {
		cols := make([]string, len(widths))
		for j := range widths {
			align := ""
			if j < len(settings) {
				align = settings[j].str("align")
			}
			cols[j] = justify(at(row, j), widths[j], align)
		}
		out = append(out, strings.TrimRight(strings.Join(cols, "  "), " "))
		if i == 0 {
			out = append(out, ruled(widths))
		}
	}
	return out
}

func (r *renderer) cells(b Block) [][]string {
	rows, _ := b["rows"].([]any)
	out := make([][]string, len(rows))
	for i, row := range rows {
		list, _ := row.([]any)
		for _, cell := range objects(list) {
			out[i] = append(out[i], strings.ReplaceAll(r.cell(cell), "\n", " "))
		}
	}
	return out
}

func (r *renderer) cell(c Block) string {
	switch {
	case c.Type() == "rich_text":
		return strings.Trim(r.richText(c), "\n")
	case c.str("text") == "" && c["value"] != nil:
		return fmt.Sprint(c["value"])
	default:
		return r.plainText(c.str("text"))
	}
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for j, cell := range row {
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], width(cell))
		}
	}
	return widths
}

func justify(s string, columns int, align string) string {
	room := max(0, columns-width(s))
	switch align {
	case "right":
		return strings.Repeat(" ", room) + s
	case "center":
		return pad(strings.Repeat(" ", room/2)+s, columns)
	default:
		return pad(s, columns)
	}
}

func ruled(widths []int) string {
	parts := make([]string, len(widths))
	for i, n := range widths {
		parts[i] = strings.Repeat("─", n)
	}
	return strings.Join(parts, "──")
}

// richText renders a rich_text block or cell.
func (r *renderer) richText(b Block) string {
	var out []string
	for _, group := range b.list("elements") {
		switch group.Type() {
		case "rich_text_list":
			out = append(out, r.richList(group)...)
		case "rich_text_quote":
			out = append(out, strings.TrimSuffix(indent(r.spans(group), "│ "), "\n"))
		case "rich_text_preformatted":
			out = append(out, r.style(code, r.spans(group)))
		default:
			out = append(out, r.spans(group))
		}
	}
	return strings.Join(out, "\n")
}

func (r *renderer) richList(group Block) []string {
	depth, _ := group["indent"].(float64)
	var out []string
	for i, line := range group.list("elements") {
		mark := "• "
		if group.str("style") == "ordered" {
			mark = strconv.Itoa(i+1) + ". "
		}
		out = append(out, strings.Repeat("  ", int(depth))+mark+r.spans(line))
	}
	return out
}

func (r *renderer) spans(group Block) string {
	var out strings.Builder
	for _, e := range group.list("elements") {
		out.WriteString(r.span(e))
	}
	return out.String()
}

func (r *renderer) span(e Block) string {
	switch e.Type() {
	case "text":
		return r.spanStyle(e.obj("style"), clean(e.str("text")))
	case "link":
		label := e.str("text")
		orText(&label, e.str("url"))
		return r.style(link, clean(label))
	case "emoji":
		return emoji(":" + e.str("name") + ":")
	case "user":
		return r.style(mention, "@"+r.names.or(e.str("user_id"), e.str("user_id")))
	case "usergroup":
		return r.style(mention, "@"+r.names.or(e.str("usergroup_id"), e.str("usergroup_id")))
	case "channel":
		return r.style(mention, "#"+r.names.or(e.str("channel_id"), e.str("channel_id")))
	case "broadcast":
		return r.style(mention, "@"+e.str("range"))
	case "date":
		seconds, _ := e["timestamp"].(float64)
		return r.date(fmt.Sprintf("!date^%d^%s", int64(seconds), e.str("format")), e.str("fallback"))
	default:
		return ""
	}
}

func (r *renderer) spanStyle(style Block, s string) string {
	for _, x := range []struct{ key, params string }{{"bold", bold}, {"italic", italic}, {"strike", struck}} {
		if style.flag(x.key) {
			s = r.style(x.params, s)
		}
	}
	if style.flag("code") {
		s = r.style(code, r.tick(s))
	}
	return s
}
