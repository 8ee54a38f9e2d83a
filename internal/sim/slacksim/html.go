package slacksim

import (
	"embed"
	"html/template"
	"strings"
	"time"
)

//go:embed html
var htmlFiles embed.FS

// htmlTemplates escape whatever is foreign.
var htmlTemplates = template.Must(template.New("").
	Funcs(template.FuncMap{"attr": attr}).ParseFS(htmlFiles, "html/*.tmpl"))

// attr returns the name of an attribute that holds any text: html/template takes
// data-action for an address, as it is in action, and would change its value.
func attr(name string) template.HTMLAttr {
	return template.HTMLAttr(name) //nolint:gosec // the templates name it
}

// HTML draws a message for a web page, the way the viewer reads it. It draws nothing
// that it does not know: what it cannot show has the class "unknown".
func (w *Workspace) HTML(m Message, v Viewer) template.HTML {
	return run("message", w.renderer(v).htmlMessage(m))
}

// ViewHTML draws the blocks of a modal or a Home tab for a web page, without title
// and buttons. Inputs hold what was entered in them so far.
func (w *Workspace) ViewHTML(view View, v Viewer) template.HTML {
	r := w.renderer(v)
	r.entered = view.state
	return run("blocks", r.htmlBlocks(view.ID, view.Blocks))
}

func run(name string, data any) template.HTML {
	var out strings.Builder
	if err := htmlTemplates.ExecuteTemplate(&out, name, data); err != nil {
		return `<p class="unknown">This cannot be shown here.</p>`
	}
	return template.HTML(out.String()) //nolint:gosec // written by html/template
}

// htmlMessage is what the template of a message shows.
type htmlMessage struct {
	Channel, TS string
	Only        bool // visible to the viewer only
	Author      string
	App         bool
	Posted      span
	Edited      bool
	Deleted     bool
	Text        []htmlText // in place of blocks
	Blocks      []htmlBlock
	Files       []htmlFile
}

func (r *renderer) htmlMessage(m Message) htmlMessage {
	at := m.posted.In(r.zone())
	h := htmlMessage{
		Channel: m.Channel, TS: m.TS, Only: m.To != "", Author: r.names.or(m.User, m.User), App: m.User == botUserID,
		Posted: span{Kind: kindDate, Text: at.Format("15:04"), At: at}, Edited: len(m.Edits) > 0, Deleted: m.Deleted,
	}
	if len(m.Blocks) > 0 {
		h.Blocks = r.htmlBlocks(m.TS, m.Blocks)
	} else {
		h.Text = paragraphs(r.parse(m.Text))
	}
	for _, f := range m.Files {
		h.Files = append(h.Files, htmlFileOf(f))
	}
	return h
}

// htmlText is one part of a text: a paragraph, code on lines of its own or a quotation.
type htmlText struct {
	Kind  kind // kindText, kindPre or kindQuote
	Spans []span
}

// paragraphs puts what cannot be inside a paragraph between paragraphs.
func paragraphs(spans []span) []htmlText {
	var out []htmlText
	var open []span
	flush := func() {
		if open = trimLines(open); len(open) > 0 {
			out = append(out, htmlText{kindText, open})
		}
		open = nil
	}
	for _, s := range spans {
		switch s.Kind {
		case kindPre:
			flush()
			out = append(out, htmlText{kindPre, []span{s}})
		case kindQuote:
			flush()
			out = append(out, htmlText{kindQuote, s.Inside})
		default:
			open = append(open, s)
		}
	}
	flush()
	return out
}

// trimLines drops the line breaks around spans.
func trimLines(spans []span) []span {
	if n := len(spans); n > 0 && spans[0].Kind == kindText {
		spans[0].Text = strings.TrimLeft(spans[0].Text, "\n")
	}
	if n := len(spans); n > 0 && spans[n-1].Kind == kindText {
		spans[n-1].Text = strings.TrimRight(spans[n-1].Text, "\n")
	}
	if len(spans) == 1 && spans[0].Kind == kindText && spans[0].Text == "" {
		return nil
	}
	return spans
}

// Lines returns the text line by line.
func (s span) Lines() []string { return strings.Split(s.Text, "\n") }

// Datetime returns a date as machines read it.
func (s span) Datetime() string { return s.At.Format(time.RFC3339) }

// Full returns a date with everything that Text leaves out.
func (s span) Full() string { return s.At.Format("Monday, January 2, 2006, 15:04 MST") }
