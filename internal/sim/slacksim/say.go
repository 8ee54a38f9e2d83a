package slacksim

import (
	"errors"
	"fmt"
	"strings"
)

// Say posts what a person typed in a channel they are in, or in their direct message
// with the bot. Slack's formatting counts; names behind @ and # become mentions. The
// app is not told, since it does not subscribe to messages.
func (w *Workspace) Say(user, channel, text string) (Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[channel]
	switch {
	case w.users[user] == nil:
		return Message{}, unknown("user", user)
	case c == nil, c.Private && !c.has(user):
		return Message{}, unknown("channel", channel)
	case !c.has(user):
		return Message{}, fmt.Errorf("slacksim: %s is not in %s", user, channel)
	case c.Archived:
		return Message{}, fmt.Errorf("slacksim: %s is archived", channel)
	case strings.TrimSpace(text) == "":
		return Message{}, errors.New("slacksim: there is no text to post")
	}
	m := w.add(Message{Channel: channel, User: user, Text: w.linked(text, typedToken)})
	w.notify()
	return m.copy(), nil
}
