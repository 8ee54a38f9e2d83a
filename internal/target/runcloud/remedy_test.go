package runcloud

import (
	"testing"

	"sshkeybot/internal/access"
)

// What RunCloud says of a key that it refuses is turned into what a person can do about it.
func TestRemedy(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]access.Remedy{
		"RunCloud answers 422: The selected username is invalid.":                access.RemedyUser,
		"RunCloud answers 422: The system user does not exist.":                  access.RemedyUser,
		"RunCloud answers 422: The public key has already been taken.":           access.RemedyKey,
		"RunCloud answers 422: The publicKey has already been taken by a label.": access.RemedyKey,
		"RunCloud answers 422: The label has already been taken.":                access.RemedyLabel,
		"RunCloud answers 422: The given data was invalid.":                      access.NoRemedy,
	} {
		if got := remedy(words); got != want {
			t.Errorf("%s: %q, want %q", words, got, want)
		}
	}
}
