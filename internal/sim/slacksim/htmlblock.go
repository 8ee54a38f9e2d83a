package slacksim

import (
	"cmp"
	"fmt"
	"net/url"
)

// htmlBlock is what the template of a block shows; which fields it has depends on
// its kind.
type htmlBlock struct {
	Kind     string // the type, or "unknown"
	ID       string
	Title    []span
	Text     []htmlText
	Texts    [][]span
	Controls []htmlControl
	Field    htmlControl
	Unknown  string // what cannot be shown
}

// htmlBlocks returns blocks for the templates. The IDs of their fields begin with scope.
func (r *renderer) htmlBlocks(scope string, blocks []Block) []htmlBlock {
	var out []htmlBlock
	for i, b := range blocks {
		h := r.htmlBlock(b)
		if h.Kind == "input" {
			name := cmp.Or(b.str("block_id"), fmt.Sprint(i))
			h.Field = r.htmlField(b)
			h.Field.ID = url.QueryEscape(scope + "-" + name) // without white space
		}
		out = append(out, h)
		out = append(out, leftOver(b)...)
	}
	return out
}

func (r *renderer) htmlBlock(b Block) htmlBlock {
	h := htmlBlock{Kind: b.Type(), ID: b.str("block_id")}
	switch b.Type() {
	case "divider", "input":
	case "header":
		h.Title = r.htmlObject(b.obj("text"))
	case "section":
		h.Text = paragraphs(r.htmlObject(b.obj("text")))
		h.Controls = r.htmlControls(b)
	case "context":
		for _, e := range b.list("elements") {
			h.Texts = append(h.Texts, r.htmlObject(e))
		}
	case "actions":
		h.Controls = r.htmlControls(b)
	default:
		h.Kind, h.Unknown = "unknown", fmt.Sprintf("a block of type %q", b.Type())
	}
	return h
}

// leftOver returns what else a block would have in Slack.
func leftOver(b Block) []htmlBlock {
	var out []htmlBlock
	known := ""
	switch {
	case b.Type() == "section":
		known = "accessory"
	case b.Type() == "input" && b.obj("element").Type() == "static_select":
		known = "dispatch_action"
	}
	for _, field := range []string{"accessory", "fields", "dispatch_action"} {
		if b[field] != nil && field != known {
			out = append(out, htmlBlock{Kind: "unknown", Unknown: fmt.Sprintf("%s of a %s", field, b.Type())})
		}
	}
	return out
}

// htmlObject reads a text object. What is none, such as a picture, is said to be unknown.
func (r *renderer) htmlObject(t Block) []span {
	switch t.Type() {
	case "mrkdwn":
		return r.parse(t.str("text"))
	case "plain_text":
		return []span{textSpan(clean(t.str("text")))}
	case "":
		return nil
	default:
		return []span{{Kind: kindUnknown, Text: fmt.Sprintf("a text of type %q", t.Type())}}
	}
}
