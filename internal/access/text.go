package access

import (
	"strings"
	"unicode"
)

// CleanText returns a text from outside in a form that every database stores: invalid UTF-8
// is replaced, and control characters other than white space are dropped.
func CleanText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
