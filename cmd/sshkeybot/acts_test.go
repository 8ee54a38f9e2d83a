package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

// Types gives a command and returns what is shown to that person alone.
func (r *rig) Types(user, text string) string {
	r.t.Helper()
	before := len(r.private(user))
	outcome, err := r.slack.Command(r.t.Context(), user, ops, "/sshkey "+text)
	r.must(err)
	if !outcome.Acked {
		r.t.Fatalf("%s: the command %q was not acknowledged: %s", user, text, outcome.Error)
	}
	return r.answer(user, before)
}

// private returns what is shown to that person alone, without the message that an answer takes
// a moment: whether that comes depends on the machine.
func (r *rig) private(user string) []slacksim.Message { return answers(r.slack.Ephemeral(user)) }

func answers(all []slacksim.Message) []slacksim.Message {
	return slices.DeleteFunc(slices.Clone(all), func(m slacksim.Message) bool { return m.Text == render.OnIt().Text })
}

// answer waits for the next private message to a person, and returns its text.
func (r *rig) answer(user string, before int) string {
	r.t.Helper()
	r.until(user+" is answered", func() bool { return len(r.private(user)) > before })
	return r.private(user)[before].Text
}

// Register makes a key for a person and has them register it.
func (r *rig) Register(user string) sshkey.Key {
	r.t.Helper()
	key, _, err := sshkey.Generate()
	r.must(err)
	r.RegisterKey(user, key.Line("laptop"))
	return key
}

func (r *rig) RegisterKey(user, line string) {
	r.t.Helper()
	r.says(r.Types(user, "register "+line), "Registered")
}

var requestNumber = regexp.MustCompile(`^Request (\d+):`)

// Ask gives a command that makes a request, and returns the request's number.
func (r *rig) Ask(user, text string) int64 {
	r.t.Helper()
	return r.numberIn(r.Types(user, text))
}

func (r *rig) numberIn(answer string) int64 {
	r.t.Helper()
	found := requestNumber.FindStringSubmatch(answer)
	if found == nil {
		r.t.Fatalf("no request was made: %s", answer)
	}
	id, err := strconv.ParseInt(found[1], 10, 64)
	r.must(err)
	return id
}

// Granted asks for a grant and has Bob approve it, waits until the results will not change
// soon, and returns the request's number.
func (r *rig) Granted(user, text string) int64 {
	r.t.Helper()
	id := r.Ask(user, text)
	r.says(r.Press(bob, id, "Approve"), "You approved request")
	r.Settled(id)
	return id
}

// Posted waits for the message of a request, and returns it as it is.
func (r *rig) Posted(id int64) slacksim.Message {
	r.t.Helper()
	var found slacksim.Message
	r.until(fmt.Sprintf("request %d is posted", id), func() (ok bool) {
		found, ok = r.message(id)
		return ok
	})
	return found
}

// message returns the message with the buttons of a request: for an offboarding that was
// approved, its announcement.
func (r *rig) message(id int64) (found slacksim.Message, ok bool) {
	for _, m := range r.messages(id) {
		if m.Role == "request" && !ok || m.Role == "announce" {
			found, ok = r.slack.Message(m.Channel, m.TS)
		}
	}
	return found, ok
}

// Press presses a button of a request, and returns what is shown to that person alone.
func (r *rig) Press(user string, id int64, label string) string {
	r.t.Helper()
	m := r.Posted(id)
	before := len(r.private(user))
	outcome, err := r.slack.ClickStale(r.t.Context(), user, m.Channel, m.TS, slacksim.Pick{Label: label})
	r.must(err)
	r.acked(outcome)
	return r.answer(user, before)
}

func (r *rig) acked(o slacksim.Outcome) {
	r.t.Helper()
	if !o.Acked {
		r.t.Fatalf("a click was not acknowledged: %s", o.Error)
	}
}

// PressPrivate presses a button of the latest message that only this person sees, and returns
// the answer that replaces the message.
func (r *rig) PressPrivate(user, label string) string {
	r.t.Helper()
	all := r.private(user)
	last := all[len(all)-1]
	outcome, err := r.slack.ClickEphemeral(r.t.Context(), user, last.TS, slacksim.Pick{Label: label})
	r.must(err)
	r.acked(outcome)
	var now slacksim.Message
	r.until(user+" is answered in place", func() bool {
		all := r.private(user)
		now = all[len(all)-1]
		return now.TS != last.TS || len(now.Edits) > len(last.Edits)
	})
	return now.Text
}

// Fill presses a button that opens a modal, fills it in and submits it. It returns how many
// private messages that person had before.
func (r *rig) Fill(user string, m slacksim.Message, label string, values map[string]string) (before int) {
	r.t.Helper()
	open := func() bool { return len(r.slack.Modals(user)) > 0 }
	r.until("the modal is open", func() bool {
		before = len(r.private(user))
		r.acked(r.clicksOn(user, m, label))
		r.until("the modal is open, or came too late", func() bool { return open() || len(r.private(user)) > before })
		return open()
	})
	before = len(r.private(user))
	form := map[string]map[string]any{}
	for block, value := range values {
		form[block] = map[string]any{"value": value}
	}
	result, err := r.slack.Submit(r.t.Context(), user, r.slack.Modals(user)[0].ID, form)
	r.must(err)
	if !result.Acked || len(result.Errors) > 0 {
		r.t.Fatalf("the modal was not accepted: %+v", result)
	}
	return before
}

// view returns a request as it is in the ledger.
func (r *rig) view(id int64) workflow.RequestView {
	r.t.Helper()
	v, err := r.app.Service.View(context.WithoutCancel(r.t.Context()), id)
	r.must(err)
	return v
}

// pending returns the requests that wait for a decision.
func (r *rig) pending() (all []workflow.RequestView) {
	r.t.Helper()
	var q workflow.PageQuery
	for {
		page, err := r.app.Service.PendingRequests(context.WithoutCancel(r.t.Context()), bob, q)
		r.must(err)
		all = append(all, page.Views...)
		if page.Last == page.Total() {
			return all
		}
		q.After = page.To
	}
}

// messages are what was posted for a request.
func (r *rig) messages(id int64) (posted []delivery.Message) {
	r.t.Helper()
	ctx := context.WithoutCancel(r.t.Context())
	r.must(r.app.Store.Outbox().Read(ctx, func(tx delivery.Tx) (err error) {
		posted, err = tx.Messages(ctx, id)
		return err
	}))
	return posted
}

// drawn reports whether Slack shows a request as it is.
func (r *rig) drawn(id int64) bool {
	r.t.Helper()
	shown, err := delivery.Shown(context.WithoutCancel(r.t.Context()), r.app.Store.Outbox(), id)
	r.must(err)
	return shown
}

// Settled waits until the results of a request will not change soon, and Slack shows them.
func (r *rig) Settled(id int64) workflow.RequestView {
	r.t.Helper()
	return r.When(id, "its results stand", func(v workflow.RequestView) bool { return len(v.Results) > 0 && rests(v.Results) })
}

// When waits until a condition on a request holds, and Slack shows the request.
func (r *rig) When(id int64, what string, cond func(workflow.RequestView) bool) workflow.RequestView {
	r.t.Helper()
	var v workflow.RequestView
	r.until(fmt.Sprintf("request %d: %s", id, what), func() bool {
		v = r.view(id)
		return cond(v) && r.drawn(id)
	})
	return v
}

// rests reports whether no result will change unless somebody does something.
func rests(results []access.Result) bool {
	for _, result := range results {
		if !result.State.Final() && result.State != access.Failed && result.Problem != access.ProblemOffline {
			return false
		}
	}
	return true
}

func state(s access.RequestState) func(workflow.RequestView) bool {
	return func(v workflow.RequestView) bool { return v.Request.State == s }
}

// Message returns the text of a request's message.
func (r *rig) Message(id int64) string {
	r.t.Helper()
	return r.Posted(id).Text
}

// Thread returns the texts in the thread of a request, without its own message.
func (r *rig) Thread(id int64) string {
	r.t.Helper()
	m := r.Posted(id)
	var all []string
	for _, reply := range r.slack.Thread(m.Channel, m.TS)[1:] {
		all = append(all, reply.Text)
	}
	return strings.Join(all, "\n")
}

// DMs returns the texts of the direct messages to a person.
func (r *rig) DMs(user string) string {
	var all []string
	for _, m := range r.slack.DMs(user) {
		all = append(all, m.Text)
	}
	return strings.Join(all, "\n")
}

// says fails the test unless the text contains all of the parts.
func (r *rig) says(text string, parts ...string) {
	r.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			r.t.Errorf("this does not say %q:\n%s", part, text)
		}
	}
}

// saysNot fails the test if the text contains one of the parts.
func (r *rig) saysNot(text string, parts ...string) {
	r.t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			r.t.Errorf("this says %q:\n%s", part, text)
		}
	}
}

// everything returns what Slack shows in the channels, for the output of a failed test.
func (r *rig) everything() string {
	var out strings.Builder
	for _, channel := range []string{ops, news} {
		for _, m := range r.slack.Messages(channel) {
			fmt.Fprintf(&out, "%s\n", r.slack.RenderThread(channel, m.TS, slacksim.Viewer{TZ: time.UTC, Width: 160}))
		}
	}
	return out.String()
}
