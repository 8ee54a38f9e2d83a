package sshkey

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// The marks are looked for in the letters and digits alone, since Slack, mail and editors change dashes,
// blanks and line breaks, and people cut the first or last line off.
var (
	privateFrame = regexp.MustCompile(`(BEGIN|END)[A-Z0-9]{0,20}PRIVATEKEY|SSHPRIVATEKEYFILEFORMAT|PUTTYUSERKEYFILE|PRIVATELINES\d|PRIVATE(MAC|HASH)[0-9A-F]{40}|PROCTYPE4ENCRYPTED`)
	filePath     = regexp.MustCompile(`^(~|\.{1,2}|[A-Za-z]:|\$HOME|%\w+%)?([/\\][\w .@+~-]+)+$|^[\w.@+-]+\.(pub|pem|ppk|key)$|^id_[a-z0-9_]+$`)
)

// opensshPrivate is the base64 of "openssh-key-v1\0", with which the body of every OpenSSH private key begins.
const opensshPrivate = "b3BlbnNzaC1rZXktdjEA"

// looksPrivate reports a private key in any of the usual formats, whole, cut off, or squeezed into a line.
func looksPrivate(text string) bool {
	letters := keepOnly(text, "")
	if privateFrame.MatchString(strings.ToUpper(letters)) {
		return true
	}
	body := keepOnly(text, "+/=")
	words := strings.FieldsFunc(text, func(r rune) bool { return keepOnly(string(r), "+/=") == "" })
	return strings.Contains(body, opensshPrivate) || isPrivateDER(body) || slices.ContainsFunc(words, isPrivateDER)
}

// isPrivateDER reports base64 that begins like the private keys of PKCS #1, PKCS #8 and SEC 1: a SEQUENCE
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

// saysPrivate reports the words without the frame, for a text that is no public key: the last trace of a
// private key that was cut off.
func saysPrivate(text string) bool {
	return strings.Contains(strings.ToUpper(keepOnly(text, "")), "PRIVATEKEY")
}

// keepOnly keeps the letters and digits of ASCII, and the characters named in more.
func keepOnly(text, more string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(more, r):
			return r
		}
		return -1
	}, text)
}
