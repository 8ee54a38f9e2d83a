package main

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// valueOf returns the value of a message's button.
func valueOf(t *testing.T, m slacksim.Message, label string) string {
	t.Helper()
	for _, b := range m.Buttons() {
		if b.Label == label {
			return b.Value
		}
	}
	t.Fatalf("no button %q in %+v", label, m.Buttons())
	return ""
}

// PressAsShown presses a button with the value that it had when somebody saw it.
func (r *rig) PressAsShown(user string, m slacksim.Message, label, value string) string {
	r.t.Helper()
	before := len(r.private(user))
	outcome, err := r.slack.ClickStale(r.t.Context(), user, m.Channel, m.TS, slacksim.Pick{Label: label, Value: value})
	r.must(err)
	r.acked(outcome)
	return r.answer(user, before)
}

func TestOnlyWhatWasShownIsApproved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database})
		r.Register(alice)
		id := r.Ask(alice, "grant @alice 1h")
		drawn := r.Posted(id)
		shown := valueOf(t, drawn, "Approve")
		added := r.Register(alice)
		r.until("the message shows the other key", func() bool { return strings.Contains(r.Message(id), added.Fingerprint()) })
		for _, label := range []string{"Approve", "Deny", "Edit"} {
			answer := r.PressAsShown(bob, drawn, label, shown)
			r.says(answer, "has changed since", "Keys added: `"+added.Fingerprint()+"`")
		}
		if got := r.view(id).Request.State; got != access.Pending {
			t.Fatalf("an old copy has made it %s", got)
		}
		r.isOn(added, 0)
		r.says(r.Press(bob, id, "Approve"), "You approved")
		r.Settled(id)
		r.isOn(added, len(r.servers))
	})
}

func TestEveryServerCanBeReadBeforeTheDecision(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 130})
		r.Register(alice)
		var names []string
		for _, server := range r.servers[:31] {
			names = append(names, r.nameOf(server))
		}
		id := r.Ask(alice, "grant @alice 1h on "+strings.Join(names, ","))
		r.says(r.Message(id), "31 servers", names[30])

		r.Granted(alice, "grant @alice 1h")
		more := r.Ask(alice, "extend @alice 1h")
		m := r.Posted(more)
		r.acked(r.clicksOn(bob, m, "Show all 130 servers"))
		r.until("a list is open", func() bool { return len(r.slack.Modals(bob)) == 1 })
		textOf := func(v slacksim.View) string { return r.slack.RenderView(v, slacksim.Viewer{TZ: time.UTC, Width: 200}) }
		var seen []string
		read := func() slacksim.View {
			v := r.slack.Modals(bob)[0]
			for _, server := range r.servers {
				if strings.Contains(textOf(v), "`"+r.nameOf(server)+"`") {
					seen = append(seen, r.nameOf(server))
				}
			}
			return v
		}
		first := read()
		outcome, err := r.slack.ClickView(t.Context(), bob, first.ID, slacksim.Pick{Label: "Next page"})
		r.must(err)
		r.acked(outcome)
		r.until("the next page", func() bool { return strings.Contains(textOf(r.slack.Modals(bob)[0]), "Page 2 of 2") })
		last := read()
		slices.Sort(seen)
		if all := slices.Compact(seen); len(all) != 130 {
			t.Errorf("the list shows %d servers of 130", len(all))
		}
		outcome, err = r.slack.ClickView(t.Context(), bob, last.ID, slacksim.Pick{Label: "Send me the list as a file"})
		r.must(err)
		r.acked(outcome)
		files := func() []slacksim.File {
			dms := r.slack.DMs(bob)
			return r.slack.Files(dms[len(dms)-1].Channel)
		}
		r.until("a message for the file", func() bool { return strings.Contains(r.DMs(bob), "130 servers of request") })
		r.until("the file", func() bool { return len(files()) == 1 })
		if lines := strings.Count(string(files()[0].Content), "\n"); lines != 131 {
			t.Errorf("the file has %d lines", lines)
		}
	})
}
