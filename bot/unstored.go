package bot

import (
	"maps"
	"slices"

	"sshkeybot/internal/access"
)

// refuseUnstored lets somebody know at once that what they did could not be stored, so that it
// will not be done. It returns the payload of the acknowledgement. It reports false when
// nobody waits for a reply, and when it may have been stored after all: then Slack is left
// without an acknowledgement.
func (b *Bot) refuseUnstored(in interaction, cause error) (payload any, told bool) {
	if access.CodeOf(cause) != access.Unavailable {
		return nil, false
	}
	b.cfg.Log.Warn("an interaction was not taken", "envelope", in.ID, "person", in.Person, "type", in.Kind, "error", cause)
	switch in.Kind {
	case kindCommand:
		return refusal(cause), true
	case kindClick:
		b.replyLater(in, refusal(cause), nil)
		return nil, true
	case kindSubmission:
		return in.keepOpen(access.MessageOf(cause))
	}
	return nil, false
}

// keepOpen returns the payload that leaves a form open, with a sentence beside its first
// field, so that what was typed is not lost.
func (in interaction) keepOpen(sentence string) (payload any, ok bool) {
	state := in.form()
	if state == nil || len(state.Values) == 0 {
		return nil, false
	}
	first := slices.Min(slices.Collect(maps.Keys(state.Values)))
	return fieldErrors{first: sentence}.payload(), true
}
