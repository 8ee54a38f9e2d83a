package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/slacksim"
)

const playWidth = 100

// scene begins at a full minute, so that everything in it shows the same time.
func (p *telling) scene(title string) {
	p.t.Helper()
	p.letters()
	p.clock.reach(p.clock.now().Truncate(time.Minute).Add(time.Minute))
	fmt.Fprintf(&p.out, "\n\n%s\n%s\n", title, strings.Repeat("-", len([]rune(title))))
}

func (p *telling) viewer(who player) slacksim.Viewer {
	zone, err := time.LoadLocation(who.zone)
	p.must(err)
	return slacksim.Viewer{TZ: zone, Width: playWidth}
}

// The parts of a text that are random, and the head of an audit log, which depends on them.
var (
	chance = regexp.MustCompile(`\b(ledger|nonce) [a-zA-Z0-9]+\b`)
	label  = regexp.MustCompile(`\bsshkeybot [a-z0-9]{5} g`)
	head   = regexp.MustCompile(`\b[0-9]+:[0-9a-f]{64}\b`)
)

// prints writes a text to the transcript, as somebody sees it.
func (p *telling) prints(text string) {
	text = chance.ReplaceAllString(text, "$1 (drawn by chance)")
	text = label.ReplaceAllString(text, "sshkeybot abc27 g")
	text = head.ReplaceAllString(text, "NUMBER:HASH")
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.out.WriteString(strings.TrimRight("    "+line, " ") + "\n")
	}
}

// looks returns m as that person sees it. Whether a message was edited before it was read
// varies, so that is left out.
func (p *telling) looks(m slacksim.Message, who player) string {
	m.Edits, m.To = nil, ""
	return p.slack.Render(m, p.viewer(who))
}

// types gives a command and shows the private answer.
func (p *telling) types(who player, text string) {
	p.t.Helper()
	p.says("%s types: %s", who.name, strings.TrimSpace("/sshkey "+text))
	p.privately(who, func() {
		outcome, err := p.slack.Command(p.t.Context(), who.id, opsChannel, strings.TrimSpace("/sshkey "+text))
		p.acked(outcome.Outcome, err)
	})
}

func (p *telling) acked(o slacksim.Outcome, err error) {
	p.t.Helper()
	p.must(err)
	if !o.Acked {
		p.t.Fatalf("not acknowledged: %s", o.Error)
	}
}

// privately does something that a person gets a private answer to, and shows the answer.
func (p *telling) privately(who player, do func()) {
	p.t.Helper()
	p.letters()
	p.whileHeld(func() {
		do()
		p.until(who.name+" is answered", func() bool { return len(p.unseen(who)) > 0 })
	}, nil)
	p.letters()
}

// letters shows every private message that was not shown yet.
func (p *telling) letters() {
	for _, who := range players() {
		for _, m := range p.unseen(who) {
			p.seen[letterKey(m)] = textOf(m)
			if m.To == "" {
				p.says("Direct message to %s", who.name)
			} else {
				p.says("Only %s sees", who.name)
			}
			p.prints(p.looks(m, who))
		}
		for _, m := range p.slack.DMs(who.id) { // an edit notifies nobody
			if m.User != who.id && p.seen[letterKey(m)] != textOf(m) {
				p.seen[letterKey(m)] = textOf(m)
				p.says("An earlier message to %s reads now", who.name)
				p.prints(p.looks(m, who))
			}
		}
	}
}

func (p *telling) unseen(who player) []slacksim.Message {
	all := slices.Concat(answers(p.slack.Ephemeral(who.id)), p.slack.DMs(who.id))
	return slices.DeleteFunc(all, func(m slacksim.Message) bool { return p.seen[letterKey(m)] != "" || m.User == who.id })
}

// textOf returns the text of a message, which a file has none of.
func textOf(m slacksim.Message) string { return cmp.Or(m.Text, "a file") }

// letterKey returns a key that identifies a message. A message that only one person sees gets
// a new one when it is replaced.
func letterKey(m slacksim.Message) string {
	if m.To == "" {
		return m.Channel + m.TS
	}
	return m.Channel + m.TS + m.Text
}

// posted returns the message with the buttons of a request: for an offboarding that was
// approved, its announcement.
func (p *telling) posted(request int64) (found slacksim.Message) {
	p.t.Helper()
	p.until(fmt.Sprintf("request %d is posted", request), func() bool {
		var posted []delivery.Message
		p.must(p.app.Store.Outbox().Read(p.t.Context(), func(tx delivery.Tx) (err error) {
			posted, err = tx.Messages(p.t.Context(), request)
			return err
		}))
		for _, m := range posted {
			if m.Role == "request" && found.TS == "" || m.Role == "announce" {
				found, _ = p.slack.Message(m.Channel, m.TS)
			}
		}
		return found.TS != ""
	})
	return found
}

// channel shows a request's message as somebody sees it.
func (p *telling) channel(who player, request int64) {
	p.t.Helper()
	m := p.posted(request)
	p.says("#%s, as %s sees it", channelName(m.Channel), who.name)
	p.prints(p.looks(m, who))
}

// thread shows the message of a request and all of its thread.
func (p *telling) thread(who player, request int64) {
	p.t.Helper()
	m := p.posted(request)
	p.says("#%s with the thread, as %s sees it", channelName(m.Channel), who.name)
	for _, reply := range p.slack.Thread(m.Channel, m.TS) {
		text := p.looks(reply, who)
		if reply.TS != m.TS {
			text = "  | " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  | ")
		}
		p.prints(text)
	}
}

// threadEnd shows the last message in the thread of a request.
func (p *telling) threadEnd(who player, request int64) {
	p.t.Helper()
	m := p.posted(request)
	all := p.slack.Thread(m.Channel, m.TS)
	p.says("The end of the thread of request %d, as %s sees it", request, who.name)
	p.prints(p.looks(all[len(all)-1], who))
}

// bulletin shows the latest message of a channel that belongs to no request.
func (p *telling) bulletin(who player, channel string) {
	p.t.Helper()
	all := p.slack.Messages(channel)
	p.says("#%s, as %s sees it", channelName(channel), who.name)
	p.prints(p.looks(all[len(all)-1], who))
}

func channelName(id string) string {
	if id == newsChannel {
		return "security"
	}
	return "ops"
}

// presses presses a button of a request and shows the answer. The button may be gone from the
// message already, as on a screen that was not updated yet.
func (p *telling) presses(who player, request int64, label string) {
	p.t.Helper()
	p.says("%s presses «%s» on request %d", who.name, label, request)
	p.asksFirst(p.posted(request).Buttons(), label)
	p.privately(who, func() { p.click(who, request, label) })
}

// click presses a button of a request without waiting for an answer.
func (p *telling) click(who player, request int64, label string) {
	p.t.Helper()
	m := p.posted(request)
	outcome, err := p.slack.ClickStale(p.t.Context(), who.id, m.Channel, m.TS, slacksim.Pick{Label: label})
	p.acked(outcome, err)
	p.until(who.name+" is answered", func() bool { return len(p.unseen(who)) > 0 })
}

// asksFirst shows the confirmation dialog of a button, if it has one.
func (p *telling) asksFirst(buttons []slacksim.Button, label string) {
	for _, b := range buttons {
		if b.Label == label && b.Confirm != "" {
			p.says("Slack asks first")
			p.prints(b.Confirm)
			return
		}
	}
}

// pressesPrivate presses a button of the latest message that only this person sees.
func (p *telling) pressesPrivate(who player, label string) {
	p.t.Helper()
	all := answers(p.slack.Ephemeral(who.id))
	last := all[len(all)-1]
	p.says("%s presses «%s»", who.name, label)
	p.asksFirst(last.Buttons(), label)
	p.privately(who, func() {
		outcome, err := p.slack.ClickEphemeral(p.t.Context(), who.id, last.TS, slacksim.Pick{Label: label})
		p.acked(outcome, err)
	})
}

// opensForm presses a button of a message that opens a form.
func (p *telling) opensForm(who player, m slacksim.Message, label string) {
	p.t.Helper()
	p.says("%s presses «%s»", who.name, label)
	outcome, err := p.slack.ClickStale(p.t.Context(), who.id, m.Channel, m.TS, slacksim.Pick{Label: label})
	p.acked(outcome, err)
	p.form(who)
}

// pressesForm presses a button of the form that somebody has open, and shows what it shows then.
func (p *telling) pressesForm(who player, label string) {
	p.t.Helper()
	p.says("%s presses «%s» in the form", who.name, label)
	form := p.slack.Modals(who.id)[0]
	p.asksFirst(form.Buttons(), label)
	shows := func() string { return p.slack.RenderView(p.slack.Modals(who.id)[0], p.viewer(who)) }
	before := shows()
	p.whileHeld(func() {
		outcome, err := p.slack.ClickView(p.t.Context(), who.id, form.ID, slacksim.Pick{Label: label})
		p.acked(outcome, err)
		p.until("the form shows it", func() bool { return shows() != before })
	}, nil)
	p.prints(shows())
}

// typesForForm gives a command that opens a form.
func (p *telling) typesForForm(who player, text string) {
	p.t.Helper()
	p.says("%s types: /sshkey %s", who.name, text)
	outcome, err := p.slack.Command(p.t.Context(), who.id, opsChannel, "/sshkey "+text)
	p.acked(outcome.Outcome, err)
	p.form(who)
}

func (p *telling) form(who player) {
	p.t.Helper()
	p.until("a form is open", func() bool { return len(p.slack.Modals(who.id)) > 0 })
	p.says("A form opens for %s", who.name)
	p.prints(p.slack.RenderView(p.slack.Modals(who.id)[0], p.viewer(who)))
}

// searches types into the menu of servers of an open form, and shows what is offered.
func (p *telling) searches(who player, typed string) {
	p.t.Helper()
	p.says("%s types «%s» into Servers", who.name, typed)
	got, err := p.slack.Suggest(p.t.Context(), who.id, p.slack.Modals(who.id)[0].ID, render.BlockServers, "value", typed)
	p.acked(got.Outcome, err)
	for _, o := range got.Options {
		p.prints("▾ " + o.Text)
	}
	if len(got.Options) == 0 {
		p.prints("▾ (nothing)")
	}
}

// chooses chooses a duration in an open form, and shows the form if that changes it.
func (p *telling) chooses(who player, duration string) {
	p.t.Helper()
	p.says("%s chooses «%s» in the form", who.name, duration)
	outcome, err := p.slack.ClickView(p.t.Context(), who.id, p.slack.Modals(who.id)[0].ID, slacksim.Pick{ActionID: render.ActionDuration, Choose: duration})
	p.acked(outcome, err)
	p.prints(p.slack.RenderView(p.slack.Modals(who.id)[0], p.viewer(who)))
}

// field is what somebody enters into a field of a form; behind a slash, block has the action
// where that is not the usual one. Shown replaces a value that is too
// long for the transcript, or a secret.
type field struct {
	block, value, shown string
}

// wrongly submits a form that is refused, and shows the errors at its fields.
func (p *telling) wrongly(who player, fields ...field) {
	p.t.Helper()
	result := p.submits(who, fields)
	if len(result.Errors) == 0 {
		p.t.Fatalf("the form was accepted: %v", fields)
	}
	for _, block := range slices.Sorted(maps.Keys(result.Errors)) {
		p.prints("! " + block + ": " + result.Errors[block])
	}
}

// rightly submits a form and shows the answer.
func (p *telling) rightly(who player, fields ...field) {
	p.t.Helper()
	p.privately(who, func() {
		if result := p.submits(who, fields); len(result.Errors) > 0 {
			p.t.Fatalf("the form was not accepted: %v", result.Errors)
		}
	})
}

func (p *telling) submits(who player, fields []field) slacksim.SubmitResult {
	p.t.Helper()
	p.says("%s fills in the form and submits it", who.name)
	values := map[string]map[string]any{}
	for _, f := range fields {
		block, action, isMenu := strings.Cut(f.block, "/")
		if !isMenu {
			action = "value"
		}
		values[block] = map[string]any{action: f.value}
		if f.shown == "" {
			f.shown = f.value
		}
		p.prints(block + ": " + f.shown)
	}
	result, err := p.slack.Submit(p.t.Context(), who.id, p.slack.Modals(who.id)[0].ID, values)
	p.must(err)
	if !result.Acked {
		p.t.Fatalf("not acknowledged: %s", result.Error)
	}
	return result
}

// home shows a person's App Home once it is up to date. The person must have opened it before.
func (p *telling) home(who player) {
	p.t.Helper()
	p.clock.jump(3 * time.Second) // several changes are drawn at once
	p.until("App Home is drawn anew", func() bool {
		p.shown()
		view, _ := p.slack.Home(who.id)
		return p.slack.RenderView(view, p.viewer(who)) == p.slack.RenderView(p.homeNow(who), p.viewer(who))
	})
	view, _ := p.slack.Home(who.id)
	p.says("App Home of %s", who.name)
	p.prints(p.slack.RenderView(view, p.viewer(who)))
}

// homeNow returns the App Home as the bot draws it from the ledger now.
func (p *telling) homeNow(who player) slacksim.View {
	p.t.Helper()
	drawn, err := p.app.Outbox.HomeView(p.t.Context(), access.UserID(who.id), 0)
	p.must(err)
	raw, err := json.Marshal(drawn.Blocks)
	p.must(err)
	view := slacksim.View{Type: "home"}
	p.must(json.Unmarshal(raw, &view.Blocks))
	return view
}

func (p *telling) opensHome(who player) {
	p.t.Helper()
	outcome, err := p.slack.OpenHome(p.t.Context(), who.id)
	p.acked(outcome.Outcome, err)
	p.until("App Home is drawn", func() bool { _, ok := p.slack.Home(who.id); return ok })
	p.home(who)
}
