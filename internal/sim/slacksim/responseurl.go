package slacksim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A response_url lives for 30 minutes and five uses (Slack, "Handling user
// interaction in your Slack apps").
const (
	responseURLLife = 30 * time.Minute
	responseURLUses = 5
)

type responseURL struct {
	user    string
	channel string
	source  *Message // the message clicked in; nil for a command
	till    time.Time
	uses    int
}

// newResponseURL returns a response_url. The caller holds mu.
func (w *Workspace) newResponseURL(user, channel string, source *Message) string {
	id := w.nextID("hook")
	w.responseURLs[id] = &responseURL{user: user, channel: channel, source: source, till: w.opt.Now().Add(responseURLLife)}
	return fmt.Sprintf("http://%s/respond/%s", w.addr, id)
}

func (w *Workspace) serveResponseURL(rw http.ResponseWriter, r *http.Request) {
	answer := reply{status: http.StatusOK}
	if err := w.respond(r); err != nil {
		answer = refusal(err)
		answer.status = http.StatusBadRequest
		if answer.code == "used_url" || answer.code == "expired_url" {
			answer.status = http.StatusNotFound
		}
	}
	w.logCall(Call{Method: "response_url", Status: answer.status, Error: answer.code}) // first: who has the answer may read the log
	answer.write(rw)
}

func (w *Workspace) respond(r *http.Request) error {
	a := args{}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil || json.Unmarshal(raw, &a) != nil {
		return refuse("invalid_payload")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.responseURLs[r.PathValue("id")]
	switch {
	case u == nil || w.opt.Now().After(u.till):
		return refuse("expired_url")
	case u.uses >= responseURLUses:
		return refuse("used_url")
	}
	u.uses++
	d, err := w.readDraft("response_url", a)
	if err != nil {
		return err
	}
	if a["replace_original"] == true && u.source != nil {
		w.replace(u.source, d)
	} else {
		w.show(u.user, u.channel, d, a)
	}
	w.notify()
	return nil
}

// show puts the answer to a command or a click before the person, or into the
// channel when response_type is in_channel, whether or not the bot is in it.
func (w *Workspace) show(user, channel string, d draft, a args) *Message {
	m := Message{Channel: channel, User: botUserID, To: user, Text: d.text, Blocks: d.blocks}
	if a.str("response_type") == "in_channel" {
		m.To = ""
	}
	return w.add(m)
}
