package play

import (
	"context"
	"slices"
	"strings"

	"sshkeybot/internal/app"
)

// suggestion is one way to go on with what somebody types.
type suggestion struct {
	Text  string `json:"text"`  // the whole line with it, or the value of an option
	Label string `json:"label"` // what is added, or the option
	About string `json:"about"`
}

const command = "/sshkey"

// maxSuggestions is how many are shown at a time.
const maxSuggestions = 12

func (p *Page) complete(_ context.Context, g *game, c call) (answer, error) {
	var servers []string
	for _, s := range g.RunCloud.Servers() {
		servers = append(servers, s.Name)
	}
	return answer{Suggestions: suggest(c.Text, servers)}, nil
}

// suggest returns how a text that begins with a slash can go on.
func suggest(text string, servers []string) []suggestion {
	if !strings.HasPrefix(text, "/") {
		return nil
	}
	head, last := text[:strings.LastIndexByte(text, ' ')+1], text[strings.LastIndexByte(text, ' ')+1:]
	var all []suggestion
	add := func(word, about string) {
		if len(word) > len(last) && strings.EqualFold(word[:len(last)], last) {
			all = append(all, suggestion{head + word + " ", word, about})
		}
	}
	words := strings.Fields(head)
	switch {
	case len(words) == 0:
		add(command, "lend and take back SSH access")
	case words[0] != command:
	case len(words) == 1:
		for _, v := range app.Verbs() {
			add(v.Name, strings.TrimPrefix(v.Form+" · "+v.About, " · "))
		}
	default:
		suggestWord(words, add, servers)
	}
	return all[:min(len(all), maxSuggestions)]
}

// suggestWord suggests what can stand after the words of a command.
func suggestWord(words []string, add func(word, about string), servers []string) {
	verb, before := words[1], words[len(words)-1]
	form := formOf(verb)
	switch {
	case slices.Contains(words, "for"):
	case before == "on":
		add("*", "every server")
		for _, s := range servers {
			add(s, "a server")
		}
		add("scalingo", "the Scalingo account")
	case before == verb && strings.Contains(form, "@user"):
		for _, p := range players() {
			add("@"+p.Name, p.RealName+", "+p.Note)
		}
	case strings.HasPrefix(before, "@") && strings.Contains(form, "DURATION"):
		for _, d := range []string{"2h", "12h", "3d", "7d"} {
			add(d, "how long")
		}
	case before == verb && strings.Contains(form, "SERVERS") && !strings.Contains(form, "on SERVERS"):
		for _, s := range servers {
			add(s, "a server")
		}
	default:
		suggestKeyword(words, form, add)
	}
}

func suggestKeyword(words []string, form string, add func(word, about string)) {
	for _, k := range []struct{ word, about string }{{"on", "which servers"}, {"as", "which system user"}, {"for", "why"}} {
		if strings.Contains(form, "["+k.word+" ") && !slices.Contains(words, k.word) {
			add(k.word, k.about)
		}
	}
}

func formOf(verb string) string {
	for _, v := range app.Verbs() {
		if v.Name == verb {
			return v.Form
		}
	}
	return ""
}
