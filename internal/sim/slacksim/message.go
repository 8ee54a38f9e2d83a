package slacksim

import (
	"slices"
	"strings"
	"time"
)

// Message is something that stands in a channel, a DM or before one person's eyes.
type Message struct {
	Channel   string
	TS        string
	ThreadTS  string // of the parent; empty at the top level
	User      string // author
	To        string // the only reader of an ephemeral message
	Text      string
	Blocks    []Block
	Files     []File
	Reactions []string
	Broadcast bool // a reply that is shown in the channel too
	Deleted   bool
	Posted    time.Time
	Edits     []Message // earlier versions, oldest first
}

// Buttons lists what can be pressed in the message, in reading order.
func (m Message) Buttons() []Button { return buttonsOf(m.Blocks) }

// Mentions lists the special tokens that address somebody, such as "<@U1>",
// "<!channel>" and "<!subteam^S1>", in the text and in every mrkdwn object.
func (m Message) Mentions() []string {
	var out []string
	for _, s := range append([]string{m.Text}, mrkdwnOf(m.Blocks)...) {
		for _, token := range angleTokens.FindAllString(s, -1) {
			if strings.HasPrefix(token, "<@") || strings.HasPrefix(token, "<!") && !strings.HasPrefix(token, "<!date") {
				out = append(out, token)
			}
		}
	}
	return out
}

func (m *Message) copy() Message {
	c := *m
	c.Edits = slices.Clone(m.Edits)
	c.Files = slices.Clone(m.Files)
	c.Reactions = slices.Clone(m.Reactions)
	return c
}

// revise keeps the present version as an edit.
func (m *Message) revise() {
	old := m.copy()
	old.Edits = nil
	m.Edits = append(m.Edits, old)
}

// add stores a new message. The caller holds mu.
func (w *Workspace) add(m Message) *Message {
	m.TS = w.nextTS()
	m.Posted = w.opt.Now()
	m.Blocks = nameBlocks(m.Blocks, func() string { return w.nextID("b") })
	if m.To != "" {
		w.ephemerals = append(w.ephemerals, &m)
	} else {
		w.messages = append(w.messages, &m)
	}
	return &m
}

// find looks for a message that is still there. The caller holds mu.
func (w *Workspace) find(channel, ts string) *Message {
	for _, m := range w.messages {
		if m.Channel == channel && m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

// messageJSON is the message in an answer or a payload.
func (w *Workspace) messageJSON(m *Message) map[string]any {
	body := map[string]any{
		"type": "message", "ts": m.TS, "text": m.Text, "user": m.User, "team": w.opt.TeamID,
	}
	if m.User == w.opt.BotUserID {
		body["bot_id"], body["app_id"] = w.botID(), w.opt.AppID
	}
	if len(m.Blocks) > 0 {
		body["blocks"] = m.Blocks
	}
	if m.ThreadTS != "" {
		body["thread_ts"] = m.ThreadTS
	}
	if len(m.Edits) > 0 {
		body["edited"] = map[string]any{"user": m.User, "ts": m.TS}
	}
	return body
}
