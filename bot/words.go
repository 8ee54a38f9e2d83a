package bot

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"sshkeybot/internal/access"
	"sshkeybot/internal/nearest"
)

// word is one word of a command: what stands between blanks, in double quotes, or
// in one of Slack's mentions such as <@U123|alice>. Text is what the person typed,
// with Slack's escapes and links undone, except that a mention stays as it is.
type word struct {
	Text   string
	Quoted bool // by the person: it is no keyword then
}

// splitWords reads words up to the first «for» that is one, and returns what
// follows it as written: a reason needs no quotes. Straight and curly double quotes
// hold words together; single quotes do not, since people write don't.
func splitWords(text string) (words []word, reason string) {
	for text = trim(text); text != ""; text = trim(text) {
		w, rest := nextWord(text)
		if !w.Quoted && strings.EqualFold(w.Text, "for") {
			return words, plainText(trim(rest))
		}
		words = append(words, w)
		text = rest
	}
	return words, ""
}

func trim(text string) string { return strings.TrimFunc(text, unicode.IsSpace) }

// cutWord takes the first word off a text, and leaves the rest as written.
func cutWord(text string) (first, rest string) {
	if text = trim(text); text == "" {
		return "", ""
	}
	w, rest := nextWord(text)
	return w.Text, trim(rest)
}

// nextWord reads the word that text, which is neither empty nor begins with a
// blank, begins with. A quote in the middle of a word counts too: on "web 1",db.
func nextWord(text string) (w word, rest string) {
	var b strings.Builder
	quoted, inside := false, false
	for i := 0; i < len(text); {
		link := linkAt(text[i:])
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case link != "": // Slack made it out of a part of a name
			b.WriteString(linkLabel(link))
			size = len(link)
		case isQuote(r):
			quoted, inside = true, !inside
		case inside:
			b.WriteString(text[i : i+size])
		case mentionAt(text[i:]) != "":
			return cutMention(b.String(), text, i)
		case unicode.IsSpace(r):
			return word{plainText(b.String()), quoted}, text[i:]
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return word{plainText(b.String()), quoted}, ""
}

// cutMention ends the word before a mention, or reads the mention itself.
func cutMention(before, text string, at int) (w word, rest string) {
	if before != "" {
		return word{Text: plainText(before)}, text[at:]
	}
	found := mentionAt(text[at:])
	w = word{Text: plainText(found)}
	if mention(found) != "" {
		w.Text = found
	}
	return w, text[at+len(found):]
}

func isQuote(r rune) bool { return strings.ContainsRune("\"“”„‟«»", r) }

// What Slack makes of names, channels and addresses in the text of a command (Slack,
// "Implementing slash commands", should_escape). What people type in that form has its
// brackets escaped.
var (
	slackMention = regexp.MustCompile(`^<[@#!][^<>\n]*>`)
	slackLink    = regexp.MustCompile(`^<[a-z][a-z0-9+.-]*:[^<>\n]*>`)
)

func mentionAt(text string) string { return slackMention.FindString(text) }

func linkAt(text string) string { return slackLink.FindString(text) }

// linkLabel returns what a person typed where Slack shows a link: its label.
func linkLabel(link string) string {
	address, label, _ := strings.Cut(strings.Trim(link, "<>"), "|")
	return cmp.Or(label, strings.TrimPrefix(address, "mailto:"), address)
}

var mentionToken = regexp.MustCompile(`^<@([UW][A-Z0-9]+)(\|[^<>]*)?>$`)

// mention returns the user that a word names, and "" when it names none. The name
// in it says nothing: people choose their names themselves.
func mention(text string) access.UserID {
	if m := mentionToken.FindStringSubmatch(text); m != nil {
		return access.UserID(m[1])
	}
	return ""
}

var (
	labelled = regexp.MustCompile(`<([@#!])[^<>|]*\|([^<>]+)>`)
	named    = regexp.MustCompile(`<([@#!])([^<>|]*)\|?>`)
	guessed  = regexp.MustCompile(`<(?:http://|mailto:|tel:)([^<>|]+?)/?\|([^<>|]+)>`) // perhaps of a name
	linked   = regexp.MustCompile(`<(?:mailto:)?([^<>|]+)(?:\|[^<>]*)?>`)
	escapes  = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")
)

// plainText undoes what Slack made of a text, as far as a reader needs it: a link is
// its address, unless Slack made it of a bare name.
func plainText(text string) string {
	text = labelled.ReplaceAllString(text, "$1$2")
	text = named.ReplaceAllString(text, "$1$2")
	text = guessed.ReplaceAllStringFunc(text, func(link string) string {
		if m := guessed.FindStringSubmatch(link); m[1] == m[2] {
			return m[2]
		}
		return link
	})
	text = linked.ReplaceAllString(text, "$1")
	return escapes.Replace(text)
}

// closest returns the candidate that differs least from text, and "" when none is near: in
// a short one no more than a letter may differ.
func closest(text string, candidates []string) string {
	return nearest.Closest(strings.ToLower(text), candidates, func(c string) int { return min(2, (len(c)-1)/2) })
}
