package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// A leaver with an ECDSA key, of which RunCloud shows only what all such keys share, on forty
// servers full of colleagues' keys of that type: one line and one button say so in the
// announcement, and an approver opens them from their Home tab and leaves them all.
func TestLeaverAmongLookalikes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database, servers: 40})
		r.RegisterKey(alice, ecdsaKeyOf(t, "alice@laptop"))
		for _, server := range r.servers {
			for i := range 5 {
				r.account.AddKey(server, runcloudsim.Credential{Label: fmt.Sprintf("colleague %d", i), User: "runcloud", PublicKey: ecdsaKeyOf(t, fmt.Sprintf("%d of %d", i, server))})
			}
		}
		if _, err := r.slack.OpenHome(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
		id := r.numberOf(r.Types(bob, "offboard @alice"))
		r.says(r.PressPrivate(bob, r.confirmButton(bob)), "is under way")
		r.When(id, "every server is read", func(v workflow.RequestView) bool { return v.Settled() && v.Undecided() == 200 })
		const line = "*200 keys* on 40 servers merely begin like one of <@" + alice + ">'s, as every key of their type does."
		r.says(r.Message(id), line)
		r.saysNot(r.Message(id), "*Offboarded*", "colleague")
		if buttons := r.Posted(id).Buttons(); len(buttons) != 2 || buttons[0].Label != "Show them" || buttons[1].Label != "Show all 40 servers" {
			t.Errorf("the announcement has the buttons %+v", buttons)
		}
		r.says(r.Thread(id), "<@"+bob+"> <@"+carol+">: request "+fmt.Sprint(id)+" (offboard <@"+alice+">) has keys to decide about: "+line)
		_, metrics := r.page("/metrics")
		r.says(metrics, "sshkeybot_keys_undecided 200\n", "sshkeybot_keys_undecided_lookalikes 200\n")
		r.says(r.Types(bob, "list"), line)
		r.says(r.Types(carol, "pending"), line)
		r.saysNot(r.Types(alice, "list"), "decide about")

		opened := func(words string) {
			t.Helper()
			r.until("the modal shows "+words, func() bool {
				open := r.slack.Modals(bob)
				return len(open) == 1 && strings.Contains(r.slack.RenderView(open[0], slacksim.Viewer{TZ: time.UTC, Width: 1000}), words)
			})
		}
		press := func(label string) {
			t.Helper()
			outcome, err := r.slack.ClickView(t.Context(), bob, r.slack.Modals(bob)[0].ID, slacksim.Pick{Label: label})
			r.must(err)
			r.acked(outcome)
		}
		r.until("the Home tab has it", func() bool {
			home, _ := r.slack.Home(bob)
			return strings.Contains(r.slack.RenderView(home, slacksim.Viewer{TZ: time.UTC, Width: 1000}), "200 keys on 40 servers")
		})
		outcome, err := r.slack.ClickHome(t.Context(), bob, slacksim.Pick{Label: "Decide"})
		r.must(err)
		r.acked(outcome)
		opened("Page 1 of 10")
		press("Remove this key")
		opened("It is being removed")
		opened("199 keys on 40 servers")
		press("Leave them all")
		opened("Those 199 stay")
		r.When(id, "it is finished", func(v workflow.RequestView) bool { return v.Settled() && v.Undecided() == 0 })
		r.says(r.Message(id), "*Offboarded* <@"+alice+">", "*Keys that may be anybody's and stay, as an approver decided:* 199.")
		left := 0
		for _, server := range r.servers {
			left += len(r.account.Keys(server))
		}
		if left != 199 {
			t.Errorf("%d keys are left on the servers", left)
		}
		r.until("the Home tab has it no more", func() bool {
			home, _ := r.slack.Home(bob)
			return !strings.Contains(r.slack.RenderView(home, slacksim.Viewer{TZ: time.UTC, Width: 1000}), "to decide about")
		})
	})
}
