package slacksim

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// kind is what a span is. Whatever shows spans has to know all of them.
type kind string

const (
	kindText    kind = "text"
	kindBold    kind = "bold"
	kindItalic  kind = "italic"
	kindStruck  kind = "struck"
	kindCode    kind = "code"
	kindPre     kind = "pre" // code on lines of its own
	kindQuote   kind = "quote"
	kindLink    kind = "link"
	kindMessage kind = "message" // a permalink to a message here
	kindUser    kind = "user"
	kindChannel kind = "channel"
	kindGroup   kind = "group" // a user group, or @here and the like
	kindDate    kind = "date"
	kindUnknown kind = "unknown" // no mrkdwn gives it
)

// span is a stretch of mrkdwn as one viewer reads it.
type span struct {
	Kind   kind
	Text   string // as it is read; of emphasis and quotes it is in Inside
	Inside []span
	Ref    string    // ID of a user or a known channel, address of a link that may be followed
	TS     string    // of the message in the channel Ref
	Me     bool      // the viewer is mentioned
	At     time.Time // of a date, in the viewer's zone
}

// angleTokens matches links, mentions and dates in mrkdwn.
var angleTokens = regexp.MustCompile(`<[^<>\n]+>`)

var (
	quotedLines = regexp.MustCompile(`^(?:&gt;|>)[^\n]*(?:\n(?:&gt;|>)[^\n]*)*`)
	quoteMark   = regexp.MustCompile(`(?m)^(?:&gt;|>) ?`)
)

// clean drops control characters, with which a text could forge the terminal.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, s)
}

// parse reads Slack's markup, for whoever writes it down as text or as HTML.
func (r *renderer) parse(s string) []span {
	return spans(clean(s), '\n', r.line)
}

// spans reads s with a function that reads what its argument begins with, and returns the rest; before is
// what stands before s.
func spans(s string, before rune, next func(s string, before rune) (one span, rest string)) []span {
	var out []span
	for len(s) > 0 {
		one, rest := next(s, before)
		before, _ = utf8.DecodeLastRuneInString(s[:len(s)-len(rest)])
		out = join(out, one)
		s = rest
	}
	return out
}

// line is next, but for quotations, which begin where lines do.
func (r *renderer) line(s string, before rune) (one span, rest string) {
	if before == '\n' {
		if lines := quotedLines.FindString(s); lines != "" {
			return span{Kind: kindQuote, Inside: r.inline(quoteMark.ReplaceAllString(lines, ""))}, s[len(lines):]
		}
	}
	return r.next(s, before)
}

// inline reads emphasis, code, tokens and escapes.
func (r *renderer) inline(s string) []span { return spans(s, ' ', r.next) }

// join appends a span, to the last one where both are bare text.
func join(out []span, one span) []span {
	if n := len(out); n > 0 && one.Kind == kindText && out[n-1].Kind == kindText {
		out[n-1].Text += one.Text
		return out
	}
	return append(out, one)
}

// next reads what s begins with and returns the rest.
func (r *renderer) next(s string, before rune) (one span, rest string) {
	switch s[0] {
	case '`':
		if inner, rest, ok := fenced(s, "```"); ok {
			return span{Kind: kindPre, Text: strings.Trim(unescape(inner), "\n")}, strings.TrimPrefix(rest, "\n")
		}
		if inner, rest, ok := fenced(s, "`"); ok && !strings.Contains(inner, "\n") {
			return span{Kind: kindCode, Text: unescape(inner)}, rest
		}
	case '<':
		if end := angleTokens.FindStringIndex(s); end != nil && end[0] == 0 {
			return r.token(s[1 : end[1]-1]), s[end[1]:]
		}
	case '*', '_', '~':
		if inner, rest, ok := emphasised(s, before); ok {
			return span{Kind: emphasis(s[0]), Inside: r.inline(inner)}, rest
		}
	case '&':
		for _, e := range []string{"&amp;", "&lt;", "&gt;"} {
			if rest, found := strings.CutPrefix(s, e); found {
				return textSpan(unescape(e)), rest
			}
		}
	}
	n := bare(s)
	return textSpan(s[:n]), s[n:]
}

func textSpan(s string) span { return span{Kind: kindText, Text: s} }

// bare returns the length of the bare text that s begins with: its first character
// means nothing. A line break stands alone, since another line begins after it.
func bare(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	if s[0] == '\n' {
		return n
	}
	if more := strings.IndexAny(s[n:], "`<*_~&\n"); more >= 0 {
		return n + more
	}
	return len(s)
}

func emphasis(mark byte) kind {
	switch mark {
	case '*':
		return kindBold
	case '_':
		return kindItalic
	default:
		return kindStruck
	}
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
