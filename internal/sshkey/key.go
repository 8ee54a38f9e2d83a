// Package sshkey reads SSH public keys as people paste them into Slack, refuses what must not reach a
// server, and compares keys with the shortened text that RunCloud shows of them.
package sshkey

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// maxComment is the longest comment, in characters, so that a line fits every list that shows it.
const maxComment = 64

// Key is a public key that Parse has accepted. Blob is the base64 part of its line; Comment has passed
// SafeComment and may be empty.
type Key struct {
	Type    string
	Blob    string
	Comment string
}

// Authorized returns «TYPE BLOB», which identifies the key.
func (k Key) Authorized() string { return k.Type + " " + k.Blob }

// Line returns the key as one line of ASCII for an authorized_keys file, with a comment of the caller's own
// instead of the one that came with the key.
func (k Key) Line(comment string) string {
	return strings.TrimSuffix(k.Authorized()+" "+SafeComment(comment), " ")
}

// Fingerprint returns the fingerprint as ssh-keygen -l prints it, «SHA256:…», and "" for a Key whose Blob is
// not base64.
func (k Key) Fingerprint() string {
	wire, err := base64.StdEncoding.Strict().DecodeString(k.Blob)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(wire)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// SafeComment returns a text reduced to letters, digits, blanks and . - _ @ of ASCII, at most 64 characters, so
// that it can neither break a line nor address anybody in Slack.
func SafeComment(text string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(".-_@", r):
			return r
		}
		return ' '
	}, text)
	safe = strings.Join(strings.Fields(safe), " ")
	return strings.TrimSpace(safe[:min(len(safe), maxComment)])
}

// Generate returns a new Ed25519 pair. The private half is PEM in OpenSSH's own format, without a passphrase.
func Generate() (Key, []byte, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, nil, fmt.Errorf("make an Ed25519 key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return Key{}, nil, fmt.Errorf("encode an Ed25519 key: %w", err)
	}
	wire, err := ssh.NewPublicKey(public)
	if err != nil {
		return Key{}, nil, fmt.Errorf("encode an Ed25519 key: %w", err)
	}
	return fromWire(wire), pem.EncodeToMemory(block), nil
}

func fromWire(public ssh.PublicKey) Key {
	return Key{Type: public.Type(), Blob: base64.StdEncoding.EncodeToString(public.Marshal())}
}
