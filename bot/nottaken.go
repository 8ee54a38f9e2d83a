package bot

import (
	"maps"
	"slices"

	"sshkeybot/internal/access"
)

// notTaken tells somebody at once that what they did could not be stored: it is not
// going to be done. It returns the payload of the acknowledgement; false when nobody
// waits for an answer, and when it may have been stored after all: then Slack is left
// without an acknowledgement.
func (b *Bot) notTaken(a act, cause error) (payload any, told bool) {
	if access.CodeOf(cause) != access.Unavailable {
		return nil, false
	}
	b.cfg.Log.Warn("an act was not taken", "envelope", a.ID, "person", a.Person, "kind", a.Kind, "error", cause)
	switch a.Kind {
	case aCommand:
		return refusal(cause), true
	case aClick:
		b.answerSoon(a, refusal(cause), nil)
		return nil, true
	case aSubmission:
		return a.stillOpen(access.MessageOf(cause))
	}
	return nil, false
}

// stillOpen leaves a form open, with a sentence beside its first field, so that what was
// typed is not lost.
func (a act) stillOpen(sentence string) (payload any, ok bool) {
	state := a.form()
	if state == nil || len(state.Values) == 0 {
		return nil, false
	}
	first := slices.Min(slices.Collect(maps.Keys(state.Values)))
	return map[string]any{"response_action": "errors", "errors": map[string]string{first: sentence}}, true
}
