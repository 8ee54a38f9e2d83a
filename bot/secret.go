package bot

import (
	"errors"

	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/redact"
	"sshkeybot/internal/sshkey"
)

// checkNoSecret refuses a text that holds a private key or an access token; such a text is
// never stored.
func checkNoSecret(text string) error {
	if err := sshkey.CheckNoPrivate(text); err != nil {
		return err
	}
	if redact.Holds(text) {
		return refuse("That holds an access token, so I did not store it. Whoever saw it can use it: revoke it, and send the rest without it.")
	}
	return nil
}

// secretsIn returns, by the block of the field, where a form holds a private key or a token.
func secretsIn(form *slack.ViewState) fieldErrors {
	found := fieldErrors{}
	if form == nil {
		return found
	}
	for block, fields := range form.Values {
		for _, field := range fields {
			err := checkNoSecret(field.Value)
			if _, wrong := sshkey.Parse(field.Value); block == render.BlockKey && reasonOf(wrong) == sshkey.PrivateKey {
				err = wrong
			}
			if err != nil {
				found[block] = access.MessageOf(asAccessError(err))
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
