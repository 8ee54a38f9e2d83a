package render

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

// namedChannel matches the id of a channel whose name Slack shows.
var namedChannel = regexp.MustCompile(`^[CG][A-Z0-9]+$`)

// WithoutChannel returns the message with a line that says why it comes to each approver.
func WithoutChannel(m Message) Message {
	const why = "This comes to every approver, because I have no channel for it. Whoever runs me can name one in SSHKEYBOT_ANNOUNCE_CHANNEL."
	if len(m.Blocks) > 0 {
		m.Blocks = append(slices.Clip(m.Blocks), slack.NewContextBlock("", markup(why)))
	}
	m.Text += "\n" + why
	return m
}

// myself names the bot as Slack knows it, whatever the app is called there.
func myself(bot access.UserID) string {
	if bot == "" {
		return "my name"
	}
	return mention(bot)
}

// NoFile returns the message that the complete list could not be attached, and how whoever
// runs the bot mends that. Bot is our own user ID, empty when it is not known.
func NoFile(code string, bot access.UserID) Message {
	text := "The complete list could not be attached as a file. The messages above name every server."
	switch code {
	case "missing_scope":
		text += " Whoever runs me can mend this for the next time: the app lacks the scope `files:write` and has to be installed again with it."
	case "not_in_channel", "channel_not_found":
		text += " For the next time, type `/invite` and " + myself(bot) + " in this channel."
	}
	return Say(text)
}

// CannotShow returns the message that says how to mend that Slack refused the message of a
// request in a channel with that code. Bot is our own user ID, empty when it is not known.
func CannotShow(request int64, channel, code string, bot access.UserID) Message {
	where, me := "the channel where it belongs", myself(bot)
	if namedChannel.MatchString(channel) {
		where = "<#" + channel + ">"
	}
	why := fmt.Sprintf("because Slack refuses it (%s). Ask whoever runs me to look at the log", escape(code, nameLimit))
	switch code {
	case "is_archived":
		why = "because that channel is archived. Unarchive it, or ask whoever runs me to set another channel"
	case "channel_not_found", "not_in_channel", "user_not_in_channel":
		why = "because I am not a member there. Type `/invite` and " + me + " in that channel"
	case "no_permission", "posting_to_general_channel_denied", "restricted_action", "restricted_action_read_only_channel",
		"restricted_action_thread_only_channel", "restricted_action_non_threadable_channel":
		why = fmt.Sprintf("because not everybody may post there (%s). Have its settings let %s post, or ask whoever runs me to set another channel", code, me)
	}
	return Say(fmt.Sprintf("I cannot show request %d in %s, %s. I look again by myself, after ten minutes at most. The request itself is kept.", request, where, why))
}
