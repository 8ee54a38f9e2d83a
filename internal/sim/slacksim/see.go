package slacksim

import (
	"slices"
	"strings"
)

// Messages returns what stands in a channel at the top level: no replies and nothing
// deleted.
func (w *Workspace) Messages(channel string) []Message {
	return w.messagesWhere(func(m *Message) bool { return m.Channel == channel && m.ThreadTS == "" && !m.Deleted })
}

// Thread returns the parent message and its replies.
func (w *Workspace) Thread(channel, ts string) []Message {
	return w.messagesWhere(func(m *Message) bool {
		return m.Channel == channel && (m.TS == ts || m.ThreadTS == ts) && !m.Deleted
	})
}

// Replies returns how many replies the messages of a channel have, by the ts of those that have any.
func (w *Workspace) Replies(channel string) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := map[string]int{}
	for _, m := range w.messages {
		if m.Channel == channel && m.ThreadTS != "" && m.ThreadTS != m.TS && !m.Deleted {
			count[m.ThreadTS]++
		}
	}
	return count
}

// Unread counts what a person sees at the top level of a channel, that others wrote after that ts.
func (w *Workspace) Unread(user, channel, after string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, all := range [][]*Message{w.messages, w.ephemerals} {
		for _, m := range all {
			if m.Channel == channel && m.ThreadTS == "" && !m.Deleted && m.TS > after && m.User != user && (m.To == "" || m.To == user) {
				n++
			}
		}
	}
	return n
}

// DM returns the ID of the channel in which a person and the bot write each other.
func (w *Workspace) DM(user string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dm(user).ID
}

// DMs returns the messages between the bot and a person, replies included.
func (w *Workspace) DMs(user string) []Message {
	id := w.DM(user)
	return w.messagesWhere(func(m *Message) bool { return m.Channel == id && !m.Deleted })
}

// Message returns one message, deleted or not.
func (w *Workspace) Message(channel, ts string) (Message, bool) {
	found := w.messagesWhere(func(m *Message) bool { return m.Channel == channel && m.TS == ts })
	if len(found) == 0 {
		return Message{}, false
	}
	return found[0], true
}

func (w *Workspace) messagesWhere(match func(*Message) bool) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return copies(w.messages, match)
}

func copies(from []*Message, match func(*Message) bool) []Message {
	var out []Message
	for _, m := range from {
		if match(m) {
			out = append(out, m.copy())
		}
	}
	return out
}

// Ephemeral returns what only this person was shown, answers to commands
// included, in order; Channel says where.
func (w *Workspace) Ephemeral(user string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return copies(w.ephemerals, func(m *Message) bool { return m.To == user })
}

// Modals returns the modal that a person has open, if any.
func (w *Workspace) Modals(user string) []View {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.modals[user]; v != nil {
		return []View{*v}
	}
	return nil
}

// Home returns the Home tab that was published for a person.
func (w *Workspace) Home(user string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.homes[user]
	if v == nil {
		return View{}, false
	}
	return *v, true
}

// Files returns the files shared in a channel, with their content.
func (w *Workspace) Files(channel string) []File {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []File
	for _, f := range w.files {
		if f.channel == channel {
			out = append(out, *f)
		}
	}
	return out
}

// Channels returns the channels that are no direct messages, by ID.
func (w *Workspace) Channels() []Channel {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Channel
	for _, c := range w.channels {
		if c.dmWith == "" {
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b Channel) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Users returns everybody, in the order they were added.
func (w *Workspace) Users() []User {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []User
	for _, id := range w.order {
		out = append(out, *w.users[id])
	}
	return out
}
