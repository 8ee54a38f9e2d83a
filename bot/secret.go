package bot

import (
	"errors"

	"github.com/slack-go/slack"

	"sshkeybot/bot/draw"
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

// leakedIn says, by the block of the field, where a form holds a private key.
func leakedIn(form *slack.ViewState) map[string]string {
	found := map[string]string{}
	if form == nil {
		return found
	}
	for block, fields := range form.Values {
		for _, field := range fields {
			err := leaked(field.Value)
			if _, wrong := sshkey.Parse(field.Value); block == draw.BlockKey && reasonOf(wrong) == sshkey.PrivateKey {
				err = wrong
			}
			if err != nil {
				found[block] = keySentence(err)
			}
		}
	}
	return found
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
