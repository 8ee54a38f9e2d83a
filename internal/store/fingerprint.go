package store

import (
	"context"
	"slices"
)

// A fingerprint has fifty characters. Of the keys on servers there are millions of rows, so
// covers, placements and results have its number instead.

// numbered is a fingerprint as an argument of a statement: the column gets its number.
type numbered string

// numberOf is the number of the fingerprint that stands in an argument.
func numberOf(arg string) string { return "(SELECT id FROM fingerprints WHERE text = " + arg + ")" }

// fingerprintText is the text of the column fingerprint.
const fingerprintText = "(SELECT f.text FROM fingerprints f WHERE f.id = fingerprint) AS fingerprint"

// numberFingerprints stores the fingerprints that have no number yet.
func (t *tx) numberFingerprints(ctx context.Context, texts []string) error {
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	rows := make([][]any, len(texts))
	for i, text := range texts {
		rows[i] = []any{text}
	}
	return insertMany(ctx, t, "fingerprints", "text", "ON CONFLICT (text) DO NOTHING", rows)
}
