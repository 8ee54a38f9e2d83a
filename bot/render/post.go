package render

import (
	"strings"
)

// Post is where the message of a request is; the zero Post is nowhere yet.
type Post struct {
	Channel   string
	Permalink string // empty where Slack did not say, or nobody else could follow it
}

// request names a request so that the name leads to its message; word is how the sentence
// writes «request».
func (at Post) request(word string, id int64) string {
	name := word + " " + idValue(id)
	if strings.HasPrefix(at.Permalink, "https://") && !strings.ContainsAny(at.Permalink, "<>|\" \n") {
		return "<" + at.Permalink + "|" + name + ">"
	}
	return name + at.in()
}

// in says in which channel the message is.
func (at Post) in() string {
	if name := channel(at.Channel); name != "" {
		return " in " + name
	}
	return ""
}
