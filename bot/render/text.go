package render

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
)

// How much of a foreign text is shown, in characters of markup.
const (
	reasonLimit = 600
	detailLimit = 160
	noteLimit   = 64
	nameLimit   = 60
	labelLimit  = 80
)

var (
	userID    = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	groupID   = regexp.MustCompile(`^S[A-Z0-9]+$`)
	emojiName = regexp.MustCompile(`:([a-zA-Z0-9_+'-]+):`)
)

// escape makes foreign text harmless in mrkdwn: one line, no token, mention, link, emoji or formatting, at
// most limit characters of markup. Slack documents no way to escape * _ ~ and the back-quote, so they become
// signs that look alike; an underscore inside a word formats nothing and stays. The text must not stand at
// the beginning of a line, where Slack reads &gt; as a quotation.
func escape(text string, limit int) string {
	pieces := escaped(clean(text))
	return clip(len(pieces), limit, func(i int) string { return pieces[i] })
}

// escaped returns what escape makes of each character of a clean text.
func escaped(text string) []string {
	runes := []rune(emojiName.ReplaceAllString(text, "∶$1∶"))
	pieces := make([]string, len(runes))
	for i, r := range runes {
		switch {
		case r == '*':
			pieces[i] = "∗"
		case r == '~':
			pieces[i] = "∼"
		case r == '_' && !(i > 0 && i+1 < len(runes) && isWord(runes[i-1]) && isWord(runes[i+1])):
			pieces[i] = "＿"
		default:
			pieces[i] = escapeRune(r)
		}
	}
	return pieces
}

// code shows foreign text as code, where nothing but the back-quote and the tokens of Slack has a meaning.
func code(text string, limit int) string {
	runes := []rune(clean(text))
	if len(runes) == 0 {
		return "(no name)"
	}
	return "`" + clip(len(runes), limit, func(i int) string { return escapeRune(runes[i]) }) + "`"
}

func escapeRune(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '`':
		return "ˋ"
	}
	return string(r)
}

// clip joins n pieces, whole ones only, up to limit characters, with dots where some are left out.
func clip(n, limit int, piece func(int) string) string {
	var out strings.Builder
	used := 0
	for i := range n {
		next := piece(i)
		length := utf8.RuneCountInString(next)
		if used+length > limit-1 && !(i == n-1 && used+length == limit) {
			return out.String() + "…"
		}
		out.WriteString(next)
		used += length
	}
	return out.String()
}

// clean makes one line of valid text without control, direction and zero-width characters.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}

// isWord counts ASCII only: whether Slack takes other letters as part of a word is not documented.
func isWord(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// sentence renders a sentence of our own that may hold foreign words: what stands between back-quotes
// becomes code, the rest is escaped.
func sentence(text string, limit int) string {
	parts := strings.Split(text, "`")
	if len(parts)%2 == 0 { // one back-quote has no partner
		parts[len(parts)-2] += "`" + parts[len(parts)-1]
		parts = parts[:len(parts)-1]
	}
	var out strings.Builder
	for i, part := range parts {
		if left := limit - utf8.RuneCountInString(out.String()); left < 4 {
			return out.String() + "…"
		} else if i%2 == 1 && clean(part) != "" {
			out.WriteString(code(part, left-3))
		} else {
			out.WriteString(padded(part, escape(part, left-3)))
		}
	}
	return out.String()
}

// padded gives an escaped piece of a sentence the blanks at its ends back.
func padded(part, escaped string) string {
	if escaped == "" {
		return strings.Repeat(" ", min(1, len(part)))
	}
	if strings.HasPrefix(part, " ") {
		escaped = " " + escaped
	}
	if strings.HasSuffix(part, " ") {
		escaped += " "
	}
	return escaped
}

// plainText cuts foreign text for plain_text objects, in which nothing has a meaning.
func plainText(text string, limit int) string {
	runes := []rune(clean(text))
	return clip(len(runes), limit, func(i int) string { return string(runes[i]) })
}

// mention addresses a person. What is not a Slack user ID never becomes a token.
func mention(id access.UserID) string {
	if !userID.MatchString(string(id)) {
		return "an unknown person"
	}
	return "<@" + string(id) + ">"
}

// mentionAll addresses users and user groups, as many as a message bears.
func mentionAll(ids []string) string {
	var out []string
	for _, id := range ids {
		switch {
		case userID.MatchString(id):
			out = append(out, "<@"+id+">")
		case groupID.MatchString(id):
			out = append(out, "<!subteam^"+id+">")
		}
	}
	text, _ := fit(len(out), out, " ", 1500)
	return text
}

// channel links to a channel; empty for what is none, such as a direct message.
func channel(id string) string {
	if !namedChannel.MatchString(id) {
		return ""
	}
	return "<#" + id + ">"
}

// date shows a time in the reader's own zone, and in UTC where the reader's client cannot.
func date(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// until says when something ends; the zero time is never.
func until(t time.Time) string {
	if t.IsZero() {
		return "with no end date"
	}
	return "until " + date(t)
}

// durationText writes how long a grant lasts; 0 is for ever.
func durationText(d time.Duration) string {
	if d == 0 {
		return "no end date"
	}
	return duration.Format(d)
}

// TypedDuration writes how long a grant lasts as people type it; 0 is for ever.
func TypedDuration(d time.Duration) string {
	if d == 0 {
		return "forever"
	}
	return duration.Format(d)
}

// count writes a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

func servers(n int) string { return count(n, "server", "servers") }

// grouped writes 12345 as 12,345.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// fit joins the items that have room, and says how many of all are left out. Whole is true when none is; else there has
// to be a button that shows them.
func fit(total int, items []string, separator string, room int) (text string, whole bool) {
	fitting, used := len(items), 0
	for i, item := range items {
		used += utf8.RuneCountInString(item) + utf8.RuneCountInString(separator)
		if used > room {
			fitting = i
			break
		}
	}
	shown, left := items[:fitting:fitting], total-fitting
	if left > 0 {
		shown = append(shown, fmt.Sprintf("… and %s more", grouped(left)))
	}
	return strings.Join(shown, separator), left == 0
}

// few joins items where they are few, and counts them otherwise.
func few(items []string, what func(int) string) string {
	if len(items) > fewServers {
		return what(len(items))
	}
	return strings.Join(items, ", ")
}
