package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// CommandResult is the outcome of a slash command.
type CommandResult struct {
	Outcome
	Response *Message // the answer in the acknowledgement, nil without one
}

// Command types a slash command, such as "/sshkey grant @alice 12h", in a
// channel the person is in, and waits for the acknowledgement or its limit. When
// there is none, Slackbot says so to the person, in an ephemeral message.
func (w *Workspace) Command(ctx context.Context, user, channel, text string) (CommandResult, error) {
	payload, err := w.commandPayload(user, channel, text)
	if err != nil {
		return CommandResult{}, err
	}
	o, err := w.deliver(ctx, "slash_commands", payload, true)
	if err != nil {
		return CommandResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.notify()
	result := CommandResult{Outcome: o}
	if !o.Acked {
		command, _, _ := strings.Cut(text, " ")
		notice := fmt.Sprintf("%s failed with the error %q", command, o.Error)
		w.add(Message{Channel: channel, User: "USLACKBOT", To: user, Text: notice})
		return result, nil
	}
	result.Response, result.Error = w.showResponse(user, channel, o.response)
	return result, nil
}

// showResponse shows the message in a command's acknowledgement. The caller holds mu.
func (w *Workspace) showResponse(user, channel string, raw json.RawMessage) (response *Message, code string) {
	a := args{}
	if len(raw) > 0 && json.Unmarshal(raw, &a) != nil {
		w.violate("acknowledgement", "payload: not an object")
		return nil, "invalid_payload"
	}
	if len(a) == 0 {
		return nil, ""
	}
	d, err := w.readDraft("acknowledgement", a)
	if bad, refused := errors.AsType[*apiError](err); refused {
		return nil, bad.code
	}
	m := w.show(user, channel, d, a).copy()
	return &m, ""
}

// commandPayload returns Slack's payload: every value a string.
func (w *Workspace) commandPayload(user, channel, text string) (map[string]any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, c := w.users[user], w.channels[channel]
	switch {
	case u == nil:
		return nil, unknown("user", user)
	case c == nil:
		return nil, unknown("channel", channel)
	case !c.has(user):
		return nil, fmt.Errorf("slacksim: %s is not in %s", user, channel)
	case !strings.HasPrefix(text, "/"):
		return nil, fmt.Errorf("slacksim: %q is no command", text)
	}
	command, rest, _ := strings.Cut(text, " ")
	trigger := w.newTrigger(user)
	w.triggers[trigger].channel = channel
	return map[string]any{
		"token": "sim", "team_id": teamID, "team_domain": teamDomain, "channel_id": c.ID,
		"channel_name": c.commandName(), "user_id": u.ID, "user_name": u.Name, "command": command,
		"text": w.escape(strings.TrimSpace(rest)), "api_app_id": appID, "is_enterprise_install": "false",
		"response_url": w.newResponseURL(user, channel, nil), "trigger_id": trigger,
	}, nil
}

func (c *Channel) commandName() string {
	if c.Private && c.dmWith == "" {
		return "privategroup"
	}
	return c.Name
}

const linkable = `https?://[^\s<>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[@#]\w(?:[\w.-]*\w)?|[&<>]`

var (
	typedToken   = regexp.MustCompile(linkable)
	commandToken = regexp.MustCompile(`<[@#!][^<>]+>|` + linkable)
)

// escape does what should_escape does to the text of a command. Mentions that are in
// Slack's form already stay as they are.
func (w *Workspace) escape(text string) string {
	if w.opt.RawCommandText {
		return text
	}
	return w.linked(text, commandToken)
}

// linked turns what Slack links, of what tokens matches, into mrkdwn, and escapes it.
func (w *Workspace) linked(text string, tokens *regexp.Regexp) string {
	return tokens.ReplaceAllStringFunc(text, func(s string) string {
		switch {
		case len(s) == 1:
			return escapeText(s)
		case s[0] == '<':
			return s
		case s[0] == '@':
			return w.escapeMention(s)
		case s[0] == '#':
			return w.escapeChannel(s)
		case strings.HasPrefix(s, "http"):
			return "<" + escapeText(s) + ">"
		default:
			return "<mailto:" + s + "|" + s + ">"
		}
	})
}

func (w *Workspace) escapeMention(s string) string {
	for _, id := range w.order {
		if w.users[id].Name == s[1:] {
			if w.opt.MentionLabels {
				return "<@" + id + "|" + s[1:] + ">"
			}
			return "<@" + id + ">"
		}
	}
	for id, g := range w.groups {
		if g.handle == s[1:] {
			return "<!subteam^" + id + "|" + s + ">"
		}
	}
	return s
}

func (w *Workspace) escapeChannel(s string) string {
	for _, c := range w.channels {
		if c.Name != s[1:] {
			continue
		}
		if c.Private {
			return "<#" + c.ID + "|>"
		}
		return "<#" + c.ID + "|" + c.Name + ">"
	}
	return s
}

func escapeText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
