package octopus

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// Bounds of what an error may hold of a body: runes of a text, and texts.
const (
	maxText    = 300
	maxDetails = 5
)

// errorBody reads ErrorMessage and Errors, and nothing else: FullException shows the inside of the server. What
// has another form is passed over.
func errorBody(body []byte, clean cleaner) (message string, details []string) {
	var raw struct{ ErrorMessage, Errors any }
	if json.Unmarshal(body, &raw) != nil {
		return "", nil
	}
	message, _ = raw.ErrorMessage.(string)
	list, _ := raw.Errors.([]any)
	for _, item := range list[:min(len(list), maxDetails)] {
		if text, ok := item.(string); ok && text != "" {
			details = append(details, clean.text(text))
		}
	}
	return clean.text(message), details
}

// cleaner makes Octopus's text safe for errors and logs.
type cleaner struct{ secrets *strings.Replacer }

func newCleaner(apiKey string) cleaner {
	if apiKey == "" {
		return cleaner{strings.NewReplacer()}
	}
	return cleaner{strings.NewReplacer(apiKey, "***")}
}

// private matches what may be a part of a private key that an answer repeats: its frame, how its base64 begins, or
// a line of base64. The shortest line of a PEM file has 64 characters; a fingerprint has 43 and may be shown.
var private = regexp.MustCompile(`(BEGIN|END)[A-Z ]*PRIVATE KEY|b3BlbnNzaC1rZXk|LS0tLS1CRUdJ|[A-Za-z0-9+/=_-]{48}`)

const withheld = "the message is withheld, since it might repeat a private key"

// text drops invalid and invisible characters, makes white space single, hides the API key, and only then
// shortens: a key cut in half would not be recognised. A text that may hold a private key is replaced whole.
func (c cleaner) text(s string) string {
	s = strings.Map(visible, strings.ToValidUTF8(s, ""))
	s = c.secrets.Replace(strings.Join(strings.Fields(s), " "))
	if private.MatchString(s) {
		return withheld
	}
	return short(s)
}

func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}

func short(s string) string {
	runes := []rune(s)
	if len(runes) <= maxText {
		return s
	}
	return string(runes[:maxText-1]) + "…"
}
