package bot

import (
	"regexp"
	"strings"
	"unicode"

	"sshkeybot/internal/access"
	"sshkeybot/internal/nearest"
)

// word is one word of a command: what stands between blanks, in double quotes, or
// in one of Slack's tokens such as <@U123|alice>. Text is what the person typed,
// with Slack's escapes undone, except that a mention stays as it is.
type word struct {
	Text   string
	Quoted bool // by the person: it is no keyword then
}

// splitWords reads words up to the first «for» that is one, and answers what
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
	for i, r := range text {
		switch {
		case isQuote(r):
			quoted, inside = true, !inside
		case inside:
			b.WriteRune(r)
		case r == '<' && tokenAt(text[i:]) != "":
			return token(b.String(), text, i)
		case unicode.IsSpace(r):
			return word{plainText(b.String()), quoted}, text[i:]
		default:
			b.WriteRune(r)
		}
	}
	return word{plainText(b.String()), quoted}, ""
}

// token ends the word before a token of Slack's, or reads the token itself.
func token(before, text string, at int) (w word, rest string) {
	if before != "" {
		return word{Text: plainText(before)}, text[at:]
	}
	found := tokenAt(text[at:])
	w = word{Text: plainText(found)}
	if mention(found) != "" {
		w.Text = found
	}
	return w, text[at+len(found):]
}

func isQuote(r rune) bool { return strings.ContainsRune("\"“”„‟«»", r) }

// slackToken is what Slack makes of names, channels and addresses in the text of a
// command (Slack, "Implementing slash commands", should_escape).
var slackToken = regexp.MustCompile(`^<([@#!]|https?:|mailto:)[^<>\n]*>`)

func tokenAt(text string) string { return slackToken.FindString(text) }

var mentionToken = regexp.MustCompile(`^<@([UW][A-Z0-9]+)(\|[^<>]*)?>$`)

// mention answers the user that a word names, and "" when it names none. The name
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
	linked   = regexp.MustCompile(`<(?:mailto:)?([^<>|]+)(?:\|[^<>]*)?>`)
	escapes  = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")
)

// plainText undoes what Slack made of a text, as far as a reader needs it.
func plainText(text string) string {
	text = labelled.ReplaceAllString(text, "$1$2")
	text = named.ReplaceAllString(text, "$1$2")
	text = linked.ReplaceAllString(text, "$1")
	return escapes.Replace(text)
}

// closest answers the candidate that differs least, if it is near at all: of a short one
// no more may be wrong than a letter.
func closest(text string, candidates []string) string {
	return nearest.Closest(strings.ToLower(text), candidates, func(c string) int { return min(2, (len(c)-1)/2) })
}
