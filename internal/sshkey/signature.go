package sshkey

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/hiddeco/sshsig"
)

// Namespace is the namespace that a signature must be made for, so that what was signed for git,
// files or another program never counts here.
const Namespace = "sshkeybot"

// maxSignature is the longest signature that is read, in bytes, far above that of the longest RSA key.
const maxSignature = 16384

var armored = regexp.MustCompile(`-*\s*BEGIN SSH SIGNATURE\s*-*\s*([A-Za-z0-9+/=\s]+?)\s*-*\s*END SSH SIGNATURE`)

// Verify returns nil if an armored OpenSSH signature (ssh-keygen -Y sign), as a person pasted
// it, was made over message by exactly this key and in our namespace, and an *Error otherwise.
// What editors and shells do to line ends and to the end of the message is forgiven.
func (k Key) Verify(message, signature string) error {
	if looksPrivate(signature) {
		return refuse(PrivateKey)
	}
	s, err := parseSignature(signature)
	if err != nil {
		return refuse(NoSignature)
	}
	switch {
	case s.Namespace != Namespace:
		return refuse(OtherNamespace)
	case fromWire(s.PublicKey).Authorized() != k.Authorized():
		return refuse(OtherKey)
	}
	for _, text := range asSaved(message) {
		if sshsig.Verify(strings.NewReader(text), s, s.PublicKey, s.HashAlgorithm, Namespace) == nil {
			return nil
		}
	}
	return refuse(OtherText)
}

func parseSignature(text string) (*sshsig.Signature, error) {
	if len(text) > maxSignature {
		return nil, refuse(NoSignature)
	}
	found := armored.FindStringSubmatch(undoSlack(text))
	if found == nil {
		return nil, refuse(NoSignature)
	}
	wire, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(found[1]), ""))
	if err != nil {
		return nil, err
	}
	return sshsig.ParseSignature(wire)
}

// asSaved returns what a text may have become on the way to ssh-keygen: with the line ends of
// Unix or Windows, and with or without one after the last line.
func asSaved(text string) (all []string) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for _, end := range []string{"\n", "\r\n"} {
		body := strings.Join(lines, end)
		all = append(all, body, body+"\n", body+"\r\n")
	}
	return all
}
