package slacksim

import "strings"

// mrkdwn renders Slack's markup as text.
func (r *renderer) mrkdwn(s string) string { return r.text(r.parse(s)) }

// text writes spans down for a terminal.
func (r *renderer) text(spans []span) string {
	var out strings.Builder
	for _, s := range spans {
		switch s.Kind {
		case kindBold:
			out.WriteString(r.style(bold, r.text(s.Inside)))
		case kindItalic:
			out.WriteString(r.style(italic, r.text(s.Inside)))
		case kindStruck:
			out.WriteString(r.style(struck, r.text(s.Inside)))
		case kindCode:
			out.WriteString(r.style(code, r.tick(s.Text)))
		case kindPre:
			out.WriteString("\n" + r.style(code, s.Text) + "\n")
		case kindQuote:
			out.WriteString(strings.Join(prefix(strings.Split(r.text(s.Inside), "\n"), "> "), "\n"))
		case kindLink, kindMessage:
			out.WriteString(r.style(link, s.Text))
		case kindUser, kindChannel, kindGroup:
			out.WriteString(r.style(mention, s.Text))
		default:
			out.WriteString(s.Text)
		}
	}
	return out.String()
}

// tick keeps the marks of code where there is no colour to show it.
func (r *renderer) tick(s string) string {
	if r.viewer.Color {
		return s
	}
	return "`" + s + "`"
}
