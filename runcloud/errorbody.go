package runcloud

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Bounds of what an error may hold of a body: runes of a text, fields, texts of a field, nesting.
const (
	maxText   = 300
	maxName   = 60
	maxFields = 10
	maxTexts  = 5
	maxDepth  = 4
)

// errorBody reads `message` and `errors`. No error body is documented; the forms read here are those
// that clients of the API report, and any other is passed over.
func errorBody(body []byte, clean cleaner) (string, map[string][]string) {
	var raw struct {
		Message any `json:"message"`
		Error   any `json:"error"`
		Errors  any `json:"errors"`
	}
	if json.Unmarshal(body, &raw) != nil {
		return "", nil
	}
	message, _ := raw.Message.(string)
	if message == "" {
		message, _ = raw.Error.(string)
	}
	return clean.text(message), fields(raw.Errors, clean)
}

// fields takes a map of texts, of lists or of anything nested; what has no name is kept under "".
func fields(raw any, clean cleaner) map[string][]string {
	named, ok := raw.(map[string]any)
	if !ok {
		named = map[string]any{"": raw}
	}
	out := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		texts := texts(named[name], clean, maxDepth)
		if len(texts) > 0 && len(out) < maxFields {
			key := short(clean.text(name), maxName)
			out[key] = first(append(out[key], texts...), maxTexts)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// texts collects the strings found in a value, in a stable order.
func texts(v any, clean cleaner, depth int) []string {
	var out []string
	if depth == 0 {
		return nil
	}
	switch v := v.(type) {
	case string:
		if s := clean.text(v); s != "" {
			out = append(out, s)
		}
	case []any:
		for _, item := range first(v, maxTexts) {
			out = append(out, texts(item, clean, depth-1)...)
		}
	case map[string]any:
		for _, name := range first(slices.Sorted(maps.Keys(v)), maxTexts) {
			out = append(out, texts(v[name], clean, depth-1)...)
		}
	}
	return first(out, maxTexts)
}

func first[T any](list []T, n int) []T { return list[:min(len(list), n)] }

// cleaner makes RunCloud's text safe for errors and logs.
type cleaner struct{ secrets *strings.Replacer }

// minSecret is the length from which on a part of a token is a secret; shorter ones occur in ordinary text.
const minSecret = 16

// newCleaner hides the token and, as it looks like a JSON web token, each part of it on its own.
func newCleaner(token string) cleaner {
	var pairs []string
	if token != "" {
		pairs = append(pairs, token, "***")
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) >= minSecret {
			pairs = append(pairs, part, "***")
		}
	}
	return cleaner{strings.NewReplacer(pairs...)}
}

// keyBlob is a public key that the answer repeats. All key types begin alike: with the length of a
// name, whose first bytes are zero.
var keyBlob = regexp.MustCompile(`AAAA[A-Za-z0-9+/]{12,}={0,2}`)

// text drops invalid and invisible characters, makes white space single, hides the token and keys, and
// only then shortens: a token cut in half would not be recognised.
func (c cleaner) text(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(visible, s)
	s = strings.Join(strings.Fields(s), " ")
	return short(keyBlob.ReplaceAllString(c.secrets.Replace(s), "***"), maxText)
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

func short(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
