package sshkey

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// withheld is what every way of printing a [Private] shows.
const withheld = "[private key]"

// Private is the private half of a pair, held in memory alone. It prints as a placeholder in every format,
// in JSON and in logs; only [Private.Bytes] gives it out. The zero value holds nothing.
type Private struct {
	pem func() []byte // since fmt calls no method of what is inside another value, but shows all other kinds of it
}

// NewPair returns a new Ed25519 pair. The private half is a PEM file in OpenSSH's own format without a
// passphrase. An error is that of the system's random numbers.
func NewPair() (Key, Private, error) {
	public, pem, err := Generate()
	if err != nil {
		return Key{}, Private{}, err
	}
	return public, Private{func() []byte { return pem }}, nil
}

// Bytes returns the file itself, not a copy: [Private.Wipe] clears it.
func (p Private) Bytes() []byte {
	if p.pem == nil {
		return nil
	}
	return p.pem()
}

// Wipe overwrites the file with zeros, in every copy of p and in what Bytes returned. What Go's runtime or
// others copied meanwhile is not reached.
func (p Private) Wipe() { clear(p.Bytes()) }

// String returns a placeholder.
func (Private) String() string { return withheld }

// GoString returns a placeholder.
func (Private) GoString() string { return withheld }

// Format writes a placeholder for every verb.
func (Private) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, withheld) }

// MarshalJSON returns a placeholder.
func (Private) MarshalJSON() ([]byte, error) { return json.Marshal(withheld) }

// LogValue returns a placeholder.
func (Private) LogValue() slog.Value { return slog.StringValue(withheld) }
