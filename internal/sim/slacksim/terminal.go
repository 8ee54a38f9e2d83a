package slacksim

import (
	"regexp"
	"strings"
	"unicode"
)

// The styles of a rendering as ANSI parameters.
const (
	bold    = "1"
	dim     = "2"
	italic  = "3"
	struck  = "9"
	code    = "33"
	mention = "36"
	link    = "4"
	good    = "32"
	bad     = "31"
)

func (r *renderer) style(params, s string) string {
	if !r.viewer.Color || s == "" {
		return s
	}
	return "\x1b[" + params + "m" + strings.ReplaceAll(s, "\x1b[0m", "\x1b[0m\x1b["+params+"m") + "\x1b[0m"
}

var ansi = regexp.MustCompile("\x1b\\[[0-9]+m")

// width returns how many columns s takes.
func width(s string) int {
	n := 0
	for _, c := range ansi.ReplaceAllString(s, "") {
		n += runeWidth(c)
	}
	return n
}

func runeWidth(c rune) int {
	switch {
	case unicode.Is(unicode.Mn, c) || c == '\u200d' || c == '\ufe0f':
		return 0
	case c >= 0x1100 && c <= 0x115f, c >= 0x2e80 && c <= 0xa4cf, c >= 0xac00 && c <= 0xd7a3,
		c >= 0xff00 && c <= 0xff60, c >= 0x1f300 && c <= 0x1faff, c == '✅', c == '❌', c == '⏳', c == '⛔':
		return 2
	default:
		return 1
	}
}

func pad(s string, columns int) string { return s + strings.Repeat(" ", max(0, columns-width(s))) }

// wrap breaks text into lines of the viewer's width, at spaces only.
func (r *renderer) wrap(s string) []string {
	var out []string
	for line := range strings.SplitSeq(strings.Trim(s, "\n"), "\n") {
		out = append(out, wrapLine(line, r.viewer.Width)...)
	}
	return out
}

func wrapLine(line string, columns int) []string {
	if width(line) <= columns {
		return []string{line}
	}
	var out []string
	row := ""
	for word := range strings.SplitSeq(line, " ") {
		switch {
		case row == "":
			row = word
		case width(row)+1+width(word) > columns:
			out = append(out, row)
			row = word
		default:
			row += " " + word
		}
	}
	return append(out, row)
}
