package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// CommandResult is what came of a slash command.
type CommandResult struct {
	Outcome
	Response *Message // the answer in the acknowledgement, nil without one
}

// Command types a slash command, such as "/sshkey grant @alice 12h", in a
// channel the person is in, and waits for the acknowledgement or its limit. When
// there is none, Slackbot tells the person, as an ephemeral message.
func (w *Workspace) Command(ctx context.Context, user, channel, text string) (CommandResult, error) {
	payload, err := w.commandPayload(user, channel, text)
	if err != nil {
		return CommandResult{}, err
	}
	d, err := w.post("slash_commands", payload, true, 0)
	if err != nil {
		return CommandResult{}, err
	}
	o, err := w.await(ctx, d)
	if err != nil {
		return CommandResult{}, err
	}
	o.TriggerID, _ = payload["trigger_id"].(string)
	o.ResponseURL, _ = payload["response_url"].(string)
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.touch()
	result := CommandResult{Outcome: o}
	if !o.Acked {
		command, _, _ := strings.Cut(text, " ")
		notice := fmt.Sprintf("%s failed with the error %q", command, o.Error)
		w.add(Message{Channel: channel, User: "USLACKBOT", To: user, Text: notice})
		return result, nil
	}
	result.Response, result.Error = w.answer(user, channel, text, o.response)
	return result, nil
}

// answer shows the message in a command's acknowledgement. The caller holds mu.
func (w *Workspace) answer(user, channel, typed string, raw json.RawMessage) (*Message, string) {
	a := args{}
	if len(raw) > 0 && json.Unmarshal(raw, &a) != nil {
		w.violate("acknowledgement", "payload: not an object")
		return nil, "invalid_payload"
	}
	if len(a) == 0 {
		return nil, ""
	}
	d, err := w.readDraft("acknowledgement", a)
	if bad := (*apiError)(nil); errors.As(err, &bad) {
		return nil, bad.code
	}
	if a.str("response_type") == "in_channel" {
		w.add(Message{Channel: channel, User: user, Text: typed})
	}
	m := w.show(user, channel, d, a).copy()
	return &m, ""
}

// commandPayload is Slack's payload: every value a string.
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
	payload := map[string]any{
		"token": "sim", "team_id": w.opt.TeamID, "team_domain": w.opt.TeamDomain, "channel_id": c.ID,
		"channel_name": c.commandName(), "user_id": u.ID, "user_name": u.Name, "command": command,
		"text": w.escape(strings.TrimSpace(rest)), "api_app_id": w.opt.AppID, "is_enterprise_install": "false",
		"response_url": w.newHook(user, channel, nil), "trigger_id": w.newTrigger(user, ""),
	}
	if w.opt.EnterpriseID != "" {
		payload["enterprise_id"], payload["enterprise_name"] = w.opt.EnterpriseID, "Sim"
	}
	return payload, nil
}

func (c *Channel) commandName() string {
	if c.Private && c.dmWith == "" {
		return "privategroup"
	}
	return c.Name
}

// typedToken finds what Slack turns into links in the text of a command.
var typedToken = regexp.MustCompile(
	`<[@#!][^<>]+>|https?://[^\s<>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[@#]\w(?:[\w.-]*\w)?|[&<>]`)

// escape does what should_escape does to typed text. Mentions that are in
// Slack's form already stay as they are.
func (w *Workspace) escape(text string) string {
	if w.opt.RawCommandText {
		return text
	}
	return typedToken.ReplaceAllStringFunc(text, func(s string) string {
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
		if g.Handle == s[1:] {
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
