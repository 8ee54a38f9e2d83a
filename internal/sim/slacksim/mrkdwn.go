package slacksim

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// angleTokens finds links, mentions and dates in mrkdwn.
var angleTokens = regexp.MustCompile(`<[^<>\n]+>`)

// emojiName finds an emoji by name at the start of a string.
var emojiName = regexp.MustCompile(`^:[a-z0-9_+-]+:`)

// mrkdwnOf collects the text of every mrkdwn object inside blocks.
func mrkdwnOf(blocks []Block) []string {
	var out []string
	var walk func(any)
	walk = func(x any) {
		switch v := x.(type) {
		case map[string]any:
			if s, ok := v["text"].(string); ok && v["type"] == "mrkdwn" {
				out = append(out, s)
			}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(v[key])
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	for _, b := range blocks {
		walk(map[string]any(b))
	}
	return out
}

// mrkdwn renders Slack's markup as a person reads it.
func (r *renderer) mrkdwn(s string) string {
	lines := strings.Split(clean(s), "\n")
	for i, line := range lines {
		for _, mark := range []string{"&gt; ", "> ", "&gt;"} {
			if rest, quoted := strings.CutPrefix(line, mark); quoted {
				lines[i] = "\x00" + rest
				break
			}
		}
	}
	return strings.ReplaceAll(r.inline(strings.Join(lines, "\n")), "\x00", "│ ")
}

// clean drops control characters, with which a text could forge the terminal.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, s)
}

// inline renders emphasis, code, tokens, emoji and escapes.
func (r *renderer) inline(s string) string {
	var out strings.Builder
	before := ' '
	for len(s) > 0 {
		text, rest := r.next(s, before)
		before, _ = utf8.DecodeLastRuneInString(s[:len(s)-len(rest)])
		out.WriteString(text)
		s = rest
	}
	return out.String()
}

// next renders what s begins with and returns the rest.
func (r *renderer) next(s string, before rune) (text, rest string) {
	switch s[0] {
	case '`':
		if inner, rest, ok := fenced(s, "```"); ok {
			return "\n" + r.style(code, strings.Trim(unescape(inner), "\n")) + "\n", strings.TrimPrefix(rest, "\n")
		}
		if inner, rest, ok := fenced(s, "`"); ok && !strings.Contains(inner, "\n") {
			return r.style(code, r.tick(unescape(inner))), rest
		}
	case '<':
		if end := angleTokens.FindStringIndex(s); end != nil && end[0] == 0 {
			return r.token(s[1 : end[1]-1]), s[end[1]:]
		}
	case '*', '_', '~':
		if inner, rest, ok := emphasised(s, before); ok {
			return r.style(markStyle(s[0]), r.inline(inner)), rest
		}
	case ':':
		if name := emojiName.FindString(s); name != "" {
			return emoji(name), s[len(name):]
		}
	case '&':
		for _, e := range []string{"&amp;", "&lt;", "&gt;"} {
			if rest, found := strings.CutPrefix(s, e); found {
				return unescape(e), rest
			}
		}
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n], s[n:]
}

// tick keeps the marks of code where there is no colour to show it.
func (r *renderer) tick(s string) string {
	if r.viewer.Color {
		return s
	}
	return "`" + s + "`"
}

func fenced(s, mark string) (inner, rest string, ok bool) {
	after, found := strings.CutPrefix(s, mark)
	if !found {
		return "", "", false
	}
	inner, rest, ok = strings.Cut(after, mark)
	return inner, rest, ok && inner != ""
}

// emphasised finds *bold*, _italic_ or ~struck~ text: the marks stand at the
// borders of words and on one line.
func emphasised(s string, before rune) (inner, rest string, ok bool) {
	if wordRune(before) || len(s) < 3 || unicode.IsSpace(rune(s[1])) || s[1] == s[0] {
		return "", "", false
	}
	for i := 2; i < len(s) && s[i] != '\n'; i++ {
		if s[i] != s[0] || s[i-1] == ' ' {
			continue
		}
		after, _ := utf8.DecodeRuneInString(s[i+1:])
		if i+1 == len(s) || !wordRune(after) {
			return s[1:i], s[i+1:], true
		}
	}
	return "", "", false
}

func wordRune(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

func unescape(s string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(s)
}

// token renders the inside of <…>.
func (r *renderer) token(s string) string {
	target, label, labelled := strings.Cut(s, "|")
	switch {
	case strings.HasPrefix(target, "@"):
		return r.style(mention, "@"+r.names.or(target[1:], target[1:]))
	case strings.HasPrefix(target, "#"):
		return r.style(mention, "#"+r.names.or(target[1:], label))
	case strings.HasPrefix(target, "!subteam^"):
		id := strings.TrimPrefix(target, "!subteam^")
		return r.style(mention, "@"+r.names.or(id, strings.TrimPrefix(label, "@")))
	case strings.HasPrefix(target, "!date^"):
		return r.date(target, unescape(label))
	case strings.HasPrefix(target, "!"):
		return r.style(mention, "@"+target[1:])
	case labelled:
		return r.style(link, unescape(label))
	default:
		return r.style(link, strings.TrimPrefix(unescape(target), "mailto:"))
	}
}

func emoji(name string) string {
	switch strings.Trim(name, ":") {
	case "white_check_mark":
		return "✅"
	case "x":
		return "❌"
	case "warning":
		return "⚠️"
	case "hourglass_flowing_sand", "hourglass":
		return "⏳"
	case "key":
		return "🔑"
	case "lock":
		return "🔒"
	case "unlock":
		return "🔓"
	case "wave":
		return "👋"
	case "eyes":
		return "👀"
	case "rotating_light":
		return "🚨"
	case "no_entry", "no_entry_sign":
		return "⛔"
	case "bell":
		return "🔔"
	default:
		return name
	}
}
