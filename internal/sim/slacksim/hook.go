package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A response_url lives for 30 minutes and five uses (Slack, "Handling user
// interaction in your Slack apps").
const (
	hookLife = 30 * time.Minute
	hookUses = 5
)

// responseHook is what a response_url leads to.
type responseHook struct {
	user    string
	channel string
	source  *Message // the message clicked in; nil for a command
	till    time.Time
	uses    int
}

// newHook makes a response_url. The caller holds mu.
func (w *Workspace) newHook(user, channel string, source *Message) string {
	id := w.nextID("hook")
	w.hooks[id] = &responseHook{user: user, channel: channel, source: source, till: w.opt.Now().Add(hookLife)}
	return fmt.Sprintf("http://%s/respond/%s", w.addr, id)
}

func (w *Workspace) serveHook(rw http.ResponseWriter, r *http.Request) {
	call := Call{Method: "response_url", At: w.opt.Now(), Status: http.StatusOK}
	began := time.Now()
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	a := args{}
	if err != nil || json.Unmarshal(raw, &a) != nil {
		err = refuse("invalid_payload")
	} else {
		w.mu.Lock()
		err = w.respond(r.PathValue("id"), a)
		w.touch()
		w.mu.Unlock()
	}
	bad, refused := errors.AsType[*apiError](err)
	if refused {
		call.Status, call.Error = bad.status(), bad.code
	}
	call.Latency = time.Since(began)
	w.logCall(call) // first: who has the answer may read the log
	if refused {
		writeJSON(rw, call.Status, bad.body())
		return
	}
	_, _ = io.WriteString(rw, "ok")
}

func (e *apiError) status() int {
	switch e.code {
	case "used_url", "expired_url":
		return http.StatusNotFound
	default:
		return http.StatusBadRequest
	}
}

func (w *Workspace) respond(id string, a args) error {
	h := w.hooks[id]
	switch {
	case h == nil:
		return refuse("expired_url")
	case h.uses >= hookUses:
		return refuse("used_url")
	case w.opt.Now().After(h.till):
		return refuse("expired_url")
	}
	h.uses++
	if a.flag("delete_original") {
		return h.remove()
	}
	d, err := w.readDraft("response_url", a)
	if err != nil {
		return err
	}
	if a.flag("replace_original") && h.source != nil {
		w.replace(h.source, d)
		return nil
	}
	w.show(h.user, h.channel, d, a)
	return nil
}

func (h *responseHook) remove() error {
	if h.source == nil {
		return refuse("invalid_payload")
	}
	h.source.revise()
	h.source.Deleted = true
	return nil
}

// show puts the answer of a command or a click before the person, or into the
// channel when response_type is in_channel, whether or not the bot is in it.
func (w *Workspace) show(user, channel string, d draft, a args) *Message {
	m := Message{Channel: channel, User: w.opt.BotUserID, To: user, Text: d.text, Blocks: d.blocks, ThreadTS: a.str("thread_ts")}
	if a.str("response_type") == "in_channel" {
		m.To = ""
	}
	return w.add(m)
}
