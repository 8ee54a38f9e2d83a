package render

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// How many characters of a request may be read where it is decided elsewhere than at its message.
const (
	roomInList   = 1500 // which has room for eight requests
	roomInNotice = 3000
	roomInHome   = 10_000 // more than there are
)

// decidable returns everything that a decision needs, as the message of the request shows it, with the buttons;
// without them where the list of what is decided is only there, or not all of it has room.
func decidable(v workflow.RequestView, room int) (lines []string, buttons []slack.BlockElement) {
	lines = []string{intro(v) + given(v)}
	switch v.Request.Kind {
	case access.KindPurge, access.KindRotate:
		return append(lines, "Its message has the list that is decided, and the buttons."), nil
	case access.KindRestore:
		return append(lines, "Its message says what was found, and has the button once all was read."), nil
	case access.KindReinstate:
		lines = append(lines, bullets(reinstatementFacts(v))...)
	case access.KindGrant:
		lines = []string{mention(v.Request.Asker) + " " + asksFor(v, "") + "." + given(v)} // the facts name the servers
		lines = append(lines, facts(v)...)
	case access.KindExtend, access.KindRevoke:
		lines = append(lines, facts(v)...)
	case access.KindOffboard, access.KindOrphan, access.KindAudit: // the first says it all; the others nobody decides
	}
	lines = append(lines, lending(v), unregistered(v), orNone(reason(v)), alsoAsked(v))
	lines = nonEmpty(append(lines, changes(v)...))
	if utf8.RuneCountInString(strings.Join(lines, "\n")) > room {
		return []string{intro(v) + given(v), "It is too long to be read here. Its message has the buttons."}, nil
	}
	return lines, slices.Concat(decideButtons(v), factButtons(v))
}

// given says how many have approved, without ringing them.
func given(v workflow.RequestView) string { return approvalsGiven(v, "") }
