package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is a text that no log, message or error shows: every way of printing or encoding it gives
// REDACTED. Only Reveal gives the text; the zero Secret holds "". The pointer is for the verb %p, for which
// fmt asks no method and prints fields. Two Secrets are compared through Reveal.
type Secret struct{ text *string }

// NewSecret keeps a text secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal gives the text, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String redacts for %s and %v.
func (Secret) String() string { return redacted }

// GoString redacts for %#v.
func (Secret) GoString() string { return redacted }

// Format serves every verb: without it fmt would look inside for %d.
func (Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText redacts for encoders of text.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON redacts for encoders of JSON.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue redacts for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
