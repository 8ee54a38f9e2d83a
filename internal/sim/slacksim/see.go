package slacksim

import (
	"slices"
	"strings"
)

// Messages lists what stands in a channel at the top level: no replies, except
// those that were broadcast, and nothing deleted.
func (w *Workspace) Messages(channel string) []Message {
	return w.messagesWhere(func(m *Message) bool {
		return m.Channel == channel && (m.ThreadTS == "" || m.Broadcast) && !m.Deleted
	})
}

// Thread lists the parent message and its replies.
func (w *Workspace) Thread(channel, ts string) []Message {
	return w.messagesWhere(func(m *Message) bool {
		return m.Channel == channel && (m.TS == ts || m.ThreadTS == ts) && !m.Deleted
	})
}

// DM is the ID of the channel in which a person and the bot write each other.
func (w *Workspace) DM(user string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dm(user).ID
}

// DMs lists the messages between the bot and a person, replies included.
func (w *Workspace) DMs(user string) []Message {
	id := w.DM(user)
	return w.messagesWhere(func(m *Message) bool { return m.Channel == id && !m.Deleted })
}

// Message finds one message, deleted or not.
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

// Ephemeral lists what only this person was shown, answers to commands
// included, in order; Channel says where. Deleted ones are left out.
func (w *Workspace) Ephemeral(user string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return copies(w.ephemerals, func(m *Message) bool { return m.To == user && !m.Deleted })
}

// Modals lists the open modals of a person, the lowest first.
func (w *Workspace) Modals(user string) []View {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []View
	for _, v := range w.views {
		if v.User == user {
			out = append(out, v.copy())
		}
	}
	return out
}

// Home is the Home tab that was published for a person.
func (w *Workspace) Home(user string) (View, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.homes[user]
	if v == nil {
		return View{}, false
	}
	return v.copy(), true
}

// Files lists the files shared in a channel, with their content.
func (w *Workspace) Files(channel string) []File {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []File
	for _, f := range w.files {
		if f.Channel == channel {
			out = append(out, *f)
		}
	}
	return out
}

// Channels lists the IDs and names of the channels, for choosing one.
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

// Users lists everybody, in the order they were added.
func (w *Workspace) Users() []User {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []User
	for _, id := range w.order {
		out = append(out, *w.users[id])
	}
	return out
}
