package access

import (
	"strings"
	"unicode"
)

// CleanText returns foreign text as every database takes it: valid, and without control
// characters other than white space.
func CleanText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
