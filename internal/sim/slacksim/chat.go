package slacksim

import (
	"encoding/json"
	"fmt"
	"strings"
)

// draft is the content of a message to be: what chat.*, a response_url or an
// acknowledgement carry.
type draft struct {
	text   string
	blocks []Block
}

// readDraft reads and checks the content; every broken limit is remembered
// under where. The caller holds mu.
func (w *Workspace) readDraft(where string, a args) (draft, error) {
	d := draft{text: a.str("text")}
	if a.str("blocks") != "" && json.Unmarshal(a.raw("blocks"), &d.blocks) != nil {
		w.violate(where, "blocks: not a list of objects")
		return d, refuse("invalid_blocks_format")
	}
	c := checkMessage(d.text, d.blocks)
	w.violate(where, c.problems...)
	switch {
	case c.code != "":
		return d, refuse(c.code, c.problems...)
	case d.text == "" && len(d.blocks) == 0:
		return d, refuse("no_text")
	}
	return d, nil
}

// warn adds Slack's warning of a missing text beside the blocks to an answer.
func (d draft) warn(body map[string]any) map[string]any {
	if d.text == "" {
		body["warning"] = "missing_text_in_message"
		body["response_metadata"] = map[string]any{"warnings": []string{"missing_text_in_message"}}
	}
	return body
}

func (w *Workspace) postMessage(a args) (map[string]any, error) {
	c, err := w.writable(a.str("channel"))
	if err != nil {
		return nil, err
	}
	thread, err := w.threadOf(c, a.str("thread_ts"))
	if err != nil {
		return nil, err
	}
	d, err := w.readDraft("chat.postMessage", a)
	if err != nil {
		return nil, err
	}
	m := w.add(Message{Channel: c.ID, ThreadTS: thread, User: botUserID, Text: d.text, Blocks: d.blocks})
	return d.warn(map[string]any{"channel": c.ID, "ts": m.TS, "message": m.json()}), nil
}

// threadOf checks the parent of a reply. A reply's ts counts as its parent's,
// and is remembered, since thread_ts must be the parent's.
func (w *Workspace) threadOf(c *Channel, ts string) (string, error) {
	if ts == "" {
		return "", nil
	}
	parent := w.find(c.ID, ts)
	switch {
	case parent == nil:
		return "", refuse("thread_not_found")
	case parent.ThreadTS != "":
		w.violate("chat.postMessage", "thread_ts: is the ts of a reply, not of its parent")
		return parent.ThreadTS, nil
	}
	return ts, nil
}

// updateMessage replaces the content: text without blocks drops the blocks.
func (w *Workspace) updateMessage(a args) (map[string]any, error) {
	m, err := w.own(a, "cant_update_message")
	if err != nil {
		return nil, err
	}
	d, err := w.readDraft("chat.update", a)
	if err != nil {
		return nil, err
	}
	w.replace(m, d)
	return d.warn(map[string]any{"channel": m.Channel, "ts": m.TS, "text": m.Text, "message": m.json()}), nil
}

func (w *Workspace) replace(m *Message, d draft) {
	m.revise()
	m.Text, m.Blocks = d.text, w.nameBlocks(d.blocks)
}

// own returns a message of the bot's for a change; channel must be the ID that
// the post answered, not a user ID.
func (w *Workspace) own(a args, foreign string) (*Message, error) {
	c, err := w.visible(a.str("channel"))
	if err != nil {
		return nil, err
	}
	m := w.find(c.ID, a.str("ts"))
	switch {
	case m == nil:
		return nil, refuse("message_not_found")
	case m.User != botUserID:
		return nil, refuse(foreign)
	case c.Archived:
		return nil, refuse("is_archived")
	}
	return m, nil
}

func (w *Workspace) deleteMessage(a args) (map[string]any, error) {
	m, err := w.own(a, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	m.Deleted = true
	return map[string]any{"channel": m.Channel, "ts": m.TS}, nil
}

func (w *Workspace) postEphemeral(a args) (map[string]any, error) {
	c, err := w.visible(a.str("channel"))
	user := w.users[a.str("user")]
	switch {
	case err != nil:
		return nil, err
	case c.Archived:
		return nil, refuse("is_archived")
	case !c.Bot:
		return nil, refuse("not_in_channel")
	case user == nil:
		return nil, refuse("user_not_found")
	case !c.has(user.ID):
		return nil, refuse("user_not_in_channel")
	}
	d, err := w.readDraft("chat.postEphemeral", a)
	if err != nil {
		return nil, err
	}
	m := w.add(Message{Channel: c.ID, User: botUserID, To: user.ID, Text: d.text, Blocks: d.blocks})
	return d.warn(map[string]any{"message_ts": m.TS}), nil
}

func (w *Workspace) permalink(a args) (map[string]any, error) {
	c, err := w.visible(a.str("channel"))
	if err != nil {
		return nil, err
	}
	m := w.find(c.ID, a.str("message_ts"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	link := fmt.Sprintf("https://%s.slack.com/archives/%s/p%s", teamDomain, c.ID, strings.ReplaceAll(m.TS, ".", ""))
	if m.ThreadTS != "" {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + c.ID
	}
	return map[string]any{"channel": c.ID, "permalink": link}, nil
}
