package bot

import (
	"errors"

	"sshkeybot/internal/redact"
	"sshkeybot/internal/sshkey"
)

// leaked refuses what holds a private key or an access token; such a text is never stored.
func leaked(text string) error {
	if err := sshkey.CheckNoPrivate(text); err != nil {
		return err
	}
	if redact.Holds(text) {
		return refuse("That holds an access token, so I did not store it. Whoever saw it can use it: revoke it, and send the rest without it.")
	}
	return nil
}

func keySentence(err error) string {
	if e, ok := errors.AsType[*sshkey.Error](err); ok {
		return e.Message
	}
	return ""
}
