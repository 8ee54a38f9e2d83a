package sshkey

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// A frame is the line before or after a private key. It differs from what people write of private keys in
// that it is in capitals, or has dashes beside it, or is one word. It is looked for in what outline leaves,
// since Slack, mail and editors change dashes, blanks and line breaks, and people cut the first or last line off.
var (
	privateFrame = regexp.MustCompile(strings.Join([]string{
		`(?:^|[^A-Za-z0-9])(?:` + wrapped("BEGIN") + `|` + wrapped("END") + `)(?:[ -]?[A-Z0-9]){0,20}[ -]?` + wrapped("PRIVATEKEY"),
		`(?:BEGIN|END)[A-Z0-9]{0,20}PRIVATEKEY`,
		`(?i)-(?:begin|end) ?` + frameLabel + ` ?private ?key`,
		`(?i)\b(?:begin|end) ?` + frameLabel + ` ?private ?key-`,
		`(?i)\b(?:begin|end)` + frameLabel + `privatekey`,
	}, "|"))
	frameLabel   = `(?:rsa|dsa|ec|openssh|encrypted|any|ssh2 ?encrypted|ssh2|pgp)?`
	frameTrace   = regexp.MustCompile(wrapped("PRIVATEKEY") + `|(?i)private ?key-`)
	privateField = regexp.MustCompile(`(?i)putty\W{0,6}user\W{0,6}key\W{0,6}file\W{0,6}\d` +
		`|ssh\W{0,6}private\W{0,6}key\W{0,6}file\W{0,6}format\W{0,6}\d` +
		`|private\W{0,6}lines\W{0,6}\d{1,3}\W{0,6}[a-z0-9+/]{24}` +
		`|private\W{0,6}(?:mac|hash)\W{0,6}[0-9a-f]{40}` +
		`|proc\W{0,6}type\W{0,6}4\W{0,6}encrypted`)
	filePath = regexp.MustCompile(`^(~|\.{1,2}|[A-Za-z]:|\$HOME|%\w+%)?([/\\][\w .@+~-]+)+$|^[\w.@+-]+\.(pub|pem|ppk|key)$|^id_[a-z0-9_]+$`)
)

// wrapped returns a pattern that matches a word whatever line breaks were put into it.
func wrapped(word string) string { return strings.Join(strings.Split(word, ""), "[ -]?") }

var (
	separators = regexp.MustCompile(`[^A-Za-z0-9]+`)
	dashes     = regexp.MustCompile(`-\s*-`)
)

// outline returns the letters and digits of a text, and between them a dash where there were several dashes, or
// else a blank.
func outline(text string) string {
	return separators.ReplaceAllStringFunc(text, func(between string) string {
		if dashes.MatchString(between) {
			return "-"
		}
		return " "
	})
}

// opensshPrivate is the base64 of "openssh-key-v1\0", with which the body of every OpenSSH private key begins.
const opensshPrivate = "b3BlbnNzaC1rZXktdjEA"

// looksPrivate reports whether a text holds a private key in any of the usual formats, whole, cut off, or
// squeezed into a line.
func looksPrivate(text string) bool {
	if privateFrame.MatchString(outline(text)) || privateField.MatchString(text) {
		return true
	}
	body := keepOnly(text, "+/=")
	words := strings.FieldsFunc(text, func(r rune) bool { return keepOnly(string(r), "+/=") == "" })
	return strings.Contains(body, opensshPrivate) || isPrivateDER(body) || slices.ContainsFunc(words, isPrivateDER)
}

// isPrivateDER reports whether base64 begins like the private keys of PKCS #1, PKCS #8 and SEC 1: a SEQUENCE
// whose first element is a version below 4. Public keys have another SEQUENCE or a long number there.
func isPrivateDER(body string) bool {
	if len(body) < 40 {
		return false
	}
	der, err := base64.StdEncoding.DecodeString(body[:12])
	if err != nil || der[0] != 0x30 {
		return false
	}
	header := 2
	if der[1] > 0x80 {
		header += int(der[1] & 0x7f)
	}
	return header <= 5 && der[header] == 2 && der[header+1] == 1 && der[header+2] < 4
}

// endsPrivate reports whether a text that is no public key holds what is left of a frame that was cut.
func endsPrivate(text string) bool { return frameTrace.MatchString(outline(text)) }

// keepOnly returns the letters and digits of ASCII in a text, and the characters named in more.
func keepOnly(text, more string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(more, r):
			return r
		}
		return -1
	}, text)
}
