package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"
)

func (c Checker) channels(ctx context.Context, client *slack.Client) []Finding {
	approval, announce := c.Config.ApprovalChannel, c.Config.AnnounceChannel
	var findings []Finding
	if approval == "" {
		findings = append(findings, note("approval channel", "None is set: a request is posted where it is asked. Type /invite @sshkeybot in every channel where people will ask."))
	} else {
		findings = append(findings, channel(ctx, client, "approval channel", approval))
	}
	switch announce {
	case "":
		return append(findings, warning("announce channel", "None is set: there is no daily summary, and every approver gets a direct message of offboardings that Slack causes and of a token that RunCloud refuses (401).",
			"Set SSHKEYBOT_ANNOUNCE_CHANNEL to the ID of a channel."))
	case approval:
		return append(findings, ok("announce channel", "It is the approval channel."))
	}
	return append(findings, channel(ctx, client, "announce channel", announce))
}

// channel checks whether the bot is in a channel, as far as its scopes allow: a message for a test would
// disturb people. It must be: whoever is not in a channel cannot share a file there, whatever the scope
// chat:write.public lets it post (Slack API, files.completeUploadExternal, not_in_channel).
func channel(ctx context.Context, client *slack.Client, name, id string) Finding {
	info, err := client.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	if err == nil {
		return shownChannel(name, info)
	}
	if slackCode(err) != "missing_scope" {
		return hiddenChannel(name, id, err)
	}
	// Asking for the permalink of a message that cannot exist needs no scope and changes
	// nothing, and Slack's error says whether the bot may see the channel (Slack API,
	// chat.getPermalink, errors).
	_, err = client.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: id, Ts: "1000000000.000001"})
	if seen := slackCode(err) == "message_not_found" || err == nil; seen && strings.HasPrefix(id, "D") {
		return ok(name, id+" is a direct message of the bot's.")
	} else if seen {
		return note(name, id+" is there. That the bot is in it cannot be seen without the scopes channels:read and groups:read; to be sure, type /invite @sshkeybot in that channel.")
	}
	return hiddenChannel(name, id, err)
}

// hiddenChannel is the finding on a channel that Slack did not show.
func hiddenChannel(name, id string, err error) Finding {
	switch code := slackCode(err); code {
	case "channel_not_found":
		return problem(name, id+" does not exist, or is private and the bot is not in it.", "Check the ID (at the end of the channel's details in Slack), and type /invite @sshkeybot in that channel.")
	case "":
		return problem(name, "Slack did not answer.", mendWay)
	default:
		return warning(name, "Slack did not show "+id+": "+code+".", "Make sure of the ID, and type /invite @sshkeybot in that channel.")
	}
}

// shownChannel is the finding on a channel that Slack showed.
func shownChannel(name string, info *slack.Channel) Finding {
	shown := fmt.Sprintf("#%s (%s)", info.Name, info.ID)
	switch {
	case info.IsArchived:
		return problem(name, shown+" is archived.", "Unarchive it, or set another channel.")
	case !info.IsMember && !info.IsIM:
		return problem(name, "The bot is not in "+shown+", so it cannot share files there, such as the complete list of a large run.", "Type /invite @sshkeybot in that channel.")
	case info.IsExtShared || info.IsPendingExtShared:
		return warning(name, shown+" is shared with another organisation, which reads the names of your servers there.", "Set a channel of your own.")
	}
	return ok(name, "The bot is in "+shown+".")
}
