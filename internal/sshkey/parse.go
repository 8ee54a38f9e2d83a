package sshkey

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// maxLine is the longest text that is read, in bytes. It is above the line of the longest RSA key that ssh-keygen makes (16384 bits, about 2800 characters).
const maxLine = 8192

var (
	accepted = []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519,
		ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKECDSA256,
		ssh.KeyAlgoRSA,
	}
	certificate = regexp.MustCompile(`-cert-v\d\d@openssh\.com$`)
	ssh2Frame   = regexp.MustCompile(`(?i)BEGIN *SSH2 *PUBLIC *KEY`)
)

// Parse reads one public key from what a person pasted into Slack. It undoes what Slack and editors do to
// text, and accepts exactly one key on one line, without options. Every error is an *Error.
func Parse(text string) (Key, error) {
	line := undoSlack(text)
	if reason := refuseText(line); reason != "" {
		return Key{}, refuse(reason)
	}
	fields := strings.Fields(line)
	if reason := refuseFields(fields); reason != "" {
		return Key{}, refuse(reason)
	}
	key, err := parseBlob(fields[0], fields[1])
	if err != nil {
		return Key{}, err
	}
	key.Comment = SafeComment(strings.Join(fields[2:], " "))
	return key, nil
}

// CheckNoPrivate returns an *Error if a text holds a private key, whole or in part. To write of private keys
// is not to send one.
func CheckNoPrivate(text string) error {
	if looksPrivate(undoSlack(text)) {
		return refuse(PrivateKey)
	}
	return nil
}

// refuseText returns the reason to refuse the text as a whole, or "". A private key comes first: whatever else
// is wrong with the text, its owner has to replace it.
func refuseText(line string) Reason {
	switch {
	case line == "":
		return Empty
	case looksPrivate(line):
		return PrivateKey
	case len(line) > maxLine:
		return TooLong
	case ssh2Frame.MatchString(line):
		return SSH2Format
	case filePath.MatchString(line):
		return FilePath
	case !isType(strings.Fields(line)[0]) && endsPrivate(line):
		return PrivateKey
	case strings.Contains(line, "\n") && !slices.ContainsFunc(strings.Fields(line), isType):
		return UnknownType
	case strings.Contains(line, "\n"):
		return MoreThanOne
	}
	return ""
}

func refuseFields(fields []string) Reason {
	switch {
	case !isType(fields[0]) && slices.ContainsFunc(fields[1:], isType):
		return Options
	case certificate.MatchString(fields[0]):
		return Certificate
	case fields[0] == ssh.InsecureKeyAlgoDSA:
		return DSA
	case !slices.Contains(accepted, fields[0]):
		return UnknownType
	case len(fields) == 1:
		return Damaged
	case slices.ContainsFunc(fields[2:], isType):
		return MoreThanOne
	}
	return ""
}

// isType reports whether a word can begin a key, accepted or not.
func isType(word string) bool {
	return slices.Contains(accepted, word) || word == ssh.InsecureKeyAlgoDSA || certificate.MatchString(word)
}

func parseBlob(word, blob string) (Key, error) {
	wire, err := base64.StdEncoding.Strict().DecodeString(blob)
	if err != nil {
		return Key{}, refuse(Damaged)
	}
	var head struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(wire, &head) != nil {
		return Key{}, refuse(Damaged)
	}
	if head.Type != word {
		return Key{}, refuse(TypeMismatch)
	}
	if err := checkNumbers(word, head.Rest); err != nil {
		return Key{}, err
	}
	// Written again it must be the same bytes: nothing may trail, and a key has one fingerprint only.
	public, err := ssh.ParsePublicKey(wire)
	if err != nil || fromWire(public).Blob != blob {
		return Key{}, refuse(Damaged)
	}
	return fromWire(public), nil
}
