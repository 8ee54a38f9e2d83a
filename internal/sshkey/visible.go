package sshkey

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// quotedFields matches what stands between blanks, a quoted value of an option being one piece, as sshd reads it.
var quotedFields = regexp.MustCompile(`(?:[^\s"]|"(?:\\.|[^"\\])*(?:"|$))+`)

// CouldBe reports whether the text that RunCloud shows of a credential fits the key. RunCloud API v3 shows
// the first 50 characters followed by three dots. False rules the key out; true is never proof, since other
// keys begin alike, by nature (PrefixIsConstant) or because somebody made them so (RSA).
func CouldBe(visible string, k Key) bool {
	visible = strings.TrimSpace(visible)
	if strings.Contains(visible, "\n") {
		return true // several keys in one credential: any of the hidden ones
	}
	word, blob, complete := splitLine(visible)
	seen := strings.TrimRight(blob, ".…")
	switch {
	case blob == "": // options fill what can be seen, or the type itself is cut off
		return true
	case complete && seen == blob:
		return word == k.Type && blob == k.Blob
	}
	return word == k.Type && strings.HasPrefix(k.Blob, seen)
}

// Shows reports whether a text shows a part of the key's own, not only what keys of its type begin with.
func Shows(visible string, k Key) bool {
	word, blob, _ := splitLine(strings.TrimSpace(visible))
	seen := strings.TrimRight(blob, ".…")
	return !PrefixIsConstant(k.Type) && len(seen) >= shownOfBlob && CouldBe(word+" "+seen, k)
}

// shownOfBlob is how many characters of a blob hold more than ten of the key's own, for Ed25519 and RSA.
const shownOfBlob = 36

// Proves reports whether a text is one whole key line, of whatever options, blanks and comment, that holds
// this very key and no other.
func Proves(full string, k Key) bool {
	full = strings.TrimSpace(full)
	word, blob, _ := splitLine(full)
	return !strings.Contains(full, "\n") && blob != "" && word == k.Type && blob == k.Blob
}

// PrefixIsConstant reports whether the first 50 characters of a key are the same for every key of the type.
func PrefixIsConstant(keyType string) bool {
	return slices.Contains(accepted, keyType) && keyType != ssh.KeyAlgoED25519 && keyType != ssh.KeyAlgoRSA
}

// splitLine returns type and blob of a line of an authorized_keys file, where options may come first, or
// "" for both if there is none. The blob is complete when something follows it.
func splitLine(line string) (word, blob string, complete bool) {
	fields := quotedFields.FindAllString(line, -1)
	if len(fields) > 0 && !isType(fields[0]) {
		fields = fields[1:]
	}
	if len(fields) < 2 || !isType(fields[0]) {
		return "", "", false
	}
	return fields[0], fields[1], len(fields) > 2
}
