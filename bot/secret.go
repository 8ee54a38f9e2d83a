package bot

import (
	"errors"

	"sshkeybot/internal/sshkey"
)

// leaked refuses what holds a private key; such a text is never stored.
func leaked(text string) error { return sshkey.CheckNoPrivate(text) }

func keySentence(err error) string {
	if e, ok := errors.AsType[*sshkey.Error](err); ok {
		return e.Message
	}
	return ""
}
