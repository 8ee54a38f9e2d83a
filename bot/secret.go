package bot

import (
	"errors"

	"sshkeybot/internal/sshkey"
)

// leaked tells of a private key in what somebody typed; such a text is never
// stored. The words alone, in a reason, are none: a key type in front keeps the
// parser from taking a bare mention for the rest of one.
func leaked(text string) error {
	if _, err := sshkey.Parse("ssh-ed25519 " + text); reasonOf(err) == sshkey.PrivateKey {
		return err
	}
	return nil
}

func reasonOf(err error) sshkey.Reason {
	if e, ok := errors.AsType[*sshkey.Error](err); ok {
		return e.Reason
	}
	return ""
}

func keySentence(err error) string {
	if e, ok := errors.AsType[*sshkey.Error](err); ok {
		return e.Message
	}
	return ""
}
