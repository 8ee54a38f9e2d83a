package sshkey

import (
	"regexp"
	"strings"
)

// Slack sends links as <address|text> and escapes & < > (Slack, «Formatting message text»).
var (
	slackLabel   = regexp.MustCompile(`<[^<>|]*\|([^<>|]*)>`)
	slackLink    = regexp.MustCompile(`<([^<>|]*)>`)
	slackEscapes = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")
)

// undoSlack returns what was on the clipboard before it went through Slack, with \n as the only line
// break and without the quotes or back-quotes people put round a key.
func undoSlack(text string) string {
	text = slackLabel.ReplaceAllString(text, "$1")
	text = slackLink.ReplaceAllString(text, "$1")
	text = strings.ReplaceAll(slackEscapes.Replace(text), "\r\n", "\n")
	return strings.TrimFunc(strings.Map(plainRune, text), func(r rune) bool {
		return strings.ContainsRune(" \n`'\"", r)
	})
}

// plainRune returns the ASCII character that a typographic one stands for, or -1 to drop it.
func plainRune(r rune) rune {
	switch r {
	case '\u00ad', '\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u2060', '\ufeff':
		return -1 // soft hyphen, zero-width characters, direction marks
	case '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return '\n'
	case '\t', '\u00a0', '\u1680', '\u202f', '\u205f', '\u3000':
		return ' '
	case '“', '”', '„', '‟', '«', '»':
		return '"'
	case '‘', '’', '‚', '‛':
		return '\''
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', '\u2212':
		return '-'
	}
	if r >= '\u2000' && r <= '\u200a' {
		return ' '
	}
	return r
}
