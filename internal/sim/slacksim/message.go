package slacksim

import (
	"slices"
	"strings"
	"time"
)

// Message is a message in a channel or a DM, or one that only one person sees.
type Message struct {
	Channel  string
	TS       string
	ThreadTS string // of the parent; empty at the top level
	User     string // author
	To       string // the only reader of an ephemeral message
	Text     string
	Blocks   []Block
	Files    []File
	Deleted  bool
	Edits    []Message // earlier versions, oldest first

	posted time.Time
}

// Buttons returns what can be pressed in the message, in reading order.
func (m Message) Buttons() []Button { return buttonsOf(m.Blocks) }

// Posted returns when the message was posted; edits do not change it.
func (m Message) Posted() time.Time { return m.posted }

// Mentions returns the special tokens that address somebody, such as "<@U1>",
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
	m.posted = w.opt.Now()
	m.Blocks = w.nameBlocks(m.Blocks)
	if m.To != "" {
		w.ephemerals = append(w.ephemerals, &m)
	} else {
		w.messages = append(w.messages, &m)
	}
	return &m
}

// find returns a message that is still there, or nil. The caller holds mu.
func (w *Workspace) find(channel, ts string) *Message {
	for _, m := range w.messages {
		if m.Channel == channel && m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

// json returns the message as it stands in an answer or a payload.
func (m *Message) json() map[string]any {
	body := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "user": m.User, "team": teamID}
	if m.User == botUserID {
		body["bot_id"], body["app_id"] = botID, appID
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
