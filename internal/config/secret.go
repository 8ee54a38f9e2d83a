package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is a text that no log, message or error shows: every way of printing or encoding it yields
// REDACTED. Only Reveal returns the text; the zero Secret holds "". The pointer is for the verb %p, for which
// fmt asks no method and prints fields. Two Secrets are compared through Reveal.
type Secret struct{ text *string }

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns REDACTED, for %s and %v.
func (Secret) String() string { return redacted }

// GoString returns REDACTED, for %#v.
func (Secret) GoString() string { return redacted }

// Format writes REDACTED for every verb: without it fmt would look inside for %d.
func (Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText returns REDACTED, for encoders of text.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "REDACTED", for encoders of JSON.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns REDACTED, for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
