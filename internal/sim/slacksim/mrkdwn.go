package slacksim

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// angleTokens matches links, mentions and dates in mrkdwn.
var angleTokens = regexp.MustCompile(`<[^<>\n]+>`)

// mrkdwn renders Slack's markup as a person reads it.
func (r *renderer) mrkdwn(s string) string { return r.inline(clean(s)) }

// clean drops control characters, with which a text could forge the terminal.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, s)
}

// inline renders emphasis, code, tokens and escapes.
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

// emphasised matches *bold*, _italic_ or ~struck~ text: the marks stand at the
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
		return r.style(link, unescape(target))
	}
}
