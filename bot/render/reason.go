package render

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	linkHost = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?$`)
	ticket   = regexp.MustCompile(`[A-Z][A-Z0-9]{1,9}-[0-9]{1,7}`)
)

// reasonText is escape for a reason that a person gave, in which it leaves whole https addresses as links that
// show themselves. Tickets such as OPS-123 become links too if ticketURL is not empty: its %s stands for the
// ticket. A link that has no room is shown as text, so that none is cut in two.
func reasonText(text, ticketURL string, limit int) string {
	var pieces []string
	used := 0
	for i, word := range strings.Split(clean(text), " ") {
		if i > 0 {
			word = " " + word
		}
		for _, s := range spansOf(word, ticketURL) {
			shown := []string{s.link}
			if n := utf8.RuneCountInString(s.link); n == 0 || used+n >= limit {
				shown = escaped(s.text)
			}
			for _, piece := range shown {
				pieces, used = append(pieces, piece), used+utf8.RuneCountInString(piece)
			}
		}
	}
	return clip(len(pieces), limit, func(i int) string { return pieces[i] })
}

// span is a part of a word, with its markup if it is a link.
type span struct{ text, link string }

// spansOf cuts a word where links begin and end. A ticket is none within an address or a longer word.
func spansOf(word, ticketURL string) []span {
	if strings.Contains(word, "://") {
		return addressSpans(word)
	}
	if ticketURL == "" {
		return []span{{text: word}}
	}
	var spans []span
	at := 0
	for _, found := range ticket.FindAllStringIndex(word, -1) {
		before, _ := utf8.DecodeLastRuneInString(word[:found[0]])
		after, _ := utf8.DecodeRuneInString(word[found[1]:])
		if continues(before) || continues(after) {
			continue
		}
		name := word[found[0]:found[1]]
		link := "<" + linkEscape(strings.Replace(ticketURL, "%s", name, 1)) + "|" + name + ">"
		spans = append(spans, span{text: word[at:found[0]]}, span{text: name, link: link})
		at = found[1]
	}
	return append(spans, span{text: word[at:]})
}

// continues reports whether a character beside what looks like a ticket makes both a longer word.
func continues(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-/@", r)
}

func addressSpans(word string) []span {
	before, rest, found := strings.Cut(word, "https://")
	address := withoutEnd("https://" + rest)
	last, _ := utf8.DecodeLastRuneInString(before)
	if !found || continues(last) || !isLinkable(address) {
		return []span{{text: word}}
	}
	after := word[len(before)+len(address):]
	return []span{{text: before}, {text: address, link: "<" + linkEscape(address) + ">"}, {text: after}}
}

// withoutEnd drops the punctuation that follows an address in a sentence. A bracket that was opened in the
// address belongs to it.
func withoutEnd(address string) string {
	for {
		r, size := utf8.DecodeLastRuneInString(address)
		switch {
		case strings.ContainsRune(`.,;:!?>]}"'“”’»`, r):
		case r == ')' && strings.Count(address, ")") > strings.Count(address, "("):
		default:
			return address
		}
		address = address[:len(address)-size]
	}
}

// isLinkable reports whether an address leads where it seems to, and can stand in a link of Slack's as it is.
func isLinkable(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && linkHost.MatchString(u.Host) &&
		!strings.ContainsAny(address, "<>|`\"\\")
}

// linkEscape escapes an address for a link.
func linkEscape(address string) string { return strings.ReplaceAll(address, "&", "&amp;") }
