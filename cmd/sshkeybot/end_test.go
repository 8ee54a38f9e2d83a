package main

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

func ended(v workflow.RequestView) bool {
	return v.Grant != nil && v.Grant.State == access.Ended && rests(v.Results)
}

func TestAccessEndsOnTime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		const servers = 10
		var clock jumpClock
		r := start(t, plan{servers: servers, database: database, now: clock.now})
		key := r.Register(alice)
		id := r.Granted(alice, "grant @alice 1h")
		clock.reach(r.view(id).Grant.EndsAt.Add(-3 * time.Second))
		v := r.When(id, "the access has ended", ended)
		r.isOn(key, 0)
		var after []time.Duration
		for _, c := range r.account.Calls() {
			if c.Op == runcloudsim.OpDelete {
				after = append(after, c.Time.Sub(v.Grant.EndsAt))
			}
		}
		if len(after) != servers {
			t.Fatalf("%d removals, want %d", len(after), servers)
		}
		played := database == "" // in real time it depends on the machine
		if first := slices.Min(after); first < 0 || played && first > 10*time.Second {
			t.Errorf("the first removal began %s after the end", first)
		}
		r.says(r.Message(id), "*Access ended*", "expired", "*Removed* on all 10 servers")
		r.says(r.Thread(id), "removed on 10 servers")
	})
}

func TestRevokeByApprover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		key := r.Register(alice)
		id := r.Granted(alice, "grant @alice 1h")
		r.says(r.Types(bob, "revoke @alice for misuse"), "Revoke the access of <@"+alice+"> on all 5 servers?", "misuse")
		r.isOn(key, len(r.servers)) // nothing happens before the confirmation
		button := r.confirmButton(bob)
		r.says(r.PressPrivate(bob, button), "is under way")
		r.When(id, "the access has ended", ended)
		r.until("the key is gone", func() bool { return r.placed(key) == 0 }) // the thread of the revocation says so
		r.says(r.Message(id), "*Access ended*", "revoked by <@"+bob+">")
	})
}

// confirmButton returns the label of the button that confirms a draft.
func (r *rig) confirmButton(user string) string {
	r.t.Helper()
	all := r.private(user)
	for _, b := range all[len(all)-1].Buttons() {
		if b.ActionID == "confirm" {
			return b.Label
		}
	}
	r.t.Fatalf("there is nothing to confirm in %q", all[len(all)-1].Text)
	return ""
}

func TestRevokeThroughAnApprover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		key := r.Register(alice)
		granted := r.Granted(alice, "grant @alice 1h")
		id := r.Ask(dave, "revoke @alice on "+r.nameOf(r.servers[0])+" for it is mine")
		r.says(r.Press(dave, id, "Approve"), "Only an approver may do this.")
		r.isOn(key, len(r.servers))
		r.says(r.Press(carol, id, "Approve"), "You approved")
		r.Settled(id)
		r.isOn(key, len(r.servers)-1)
		if len(r.copies(r.servers[0], "runcloud", key)) != 0 {
			t.Error("the key still is on the server that was named")
		}
		r.says(r.Message(id), "it is mine", "*Removed* on 1 server")
		if g := r.view(granted).Grant; g.State != access.Live {
			t.Errorf("the rest of the grant is %s, want it live", g.State)
		}
	})
}

func TestDoneGivesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		key := r.Register(alice)
		id := r.Granted(alice, "grant @alice 1h")
		r.says(r.Types(alice, "done"), "You gave back your access as `runcloud` on ")
		r.When(id, "the access has ended", ended)
		r.isOn(key, 0)
		r.says(r.Message(id), "given back by <@"+alice+">", "*Removed* on all 5 servers")
	})
}

func TestExtensionMovesTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		key := r.Register(alice)
		first := r.Granted(alice, "grant @alice 1h")
		before := r.view(first).Grant.EndsAt
		r.saysNot(r.Types(dave, "extend @alice 2h"), "approvers until")
		id := r.Ask(alice, "extend @alice 2h")
		if now := r.view(first).Grant.EndsAt; !now.Equal(before) {
			t.Error("the end moved before anybody approved")
		}
		r.says(r.Press(bob, id, "Approve"), "You approved")
		v := r.When(first, "its end has moved", func(v workflow.RequestView) bool { return !v.Grant.EndsAt.Equal(before) })
		if moved := v.Grant.EndsAt.Sub(before); moved != 2*time.Hour {
			t.Errorf("the end moved by %s, want 2h", moved)
		}
		r.When(id, "it is approved", state(access.Approved))
		r.says(r.Message(id), "*Extended*")
		r.isOn(key, len(r.servers))
		if n := r.account.Count(runcloudsim.OpDelete); n != 0 {
			t.Errorf("%d keys were removed, want no gap", n)
		}
	})
}

func TestOffboardUntilNothingIsOwed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database})
		key := r.Register(alice)
		granted := r.Granted(alice, "grant @alice 1h")
		waiting := r.Ask(alice, "grant @alice 3h for later")
		away := r.servers[3]
		r.account.SetOnline(away, false)

		id := r.numberOf(r.Types(bob, "offboard @alice for leaving"))
		r.isOn(key, len(r.servers)) // nothing happens before the confirmation
		r.says(r.PressPrivate(bob, r.confirmButton(bob)), "is under way")
		r.until("it is announced", func() bool { return len(r.slack.Messages(news)) == 1 })
		r.until("the other servers are rid of the key", func() bool { return r.placed(key) == 1 })
		r.When(id, "the debt is shown", func(workflow.RequestView) bool {
			return strings.Contains(r.Message(id), "Still to remove") && strings.Contains(r.Message(id), "`"+r.nameOf(away)+"`")
		})
		r.says(r.Message(id), "*Offboarding* <@"+alice+">: not finished yet")
		r.saysNot(r.Message(id), "*Offboarded*")
		r.says(r.Types(bob, "list"), "Still to remove: 1 key", r.nameOf(away))
		r.When(waiting, "their request is closed", state(access.Cancelled))
		r.says(r.Types(dave, "grant @alice 1h"), "<@"+alice+"> was offboarded")

		r.account.SetOnline(away, true)
		r.When(id, "it is finished", func(v workflow.RequestView) bool { return v.Settled() })
		r.isOn(key, 0)
		r.says(r.Message(id), "*Offboarded* <@"+alice+">", "SSH Key Vault", "*Removed* on all")
		r.saysNot(r.Message(id)+r.Thread(id), "6 servers", "6 of 6") // there are five
		r.When(granted, "the grant shows its end", func(workflow.RequestView) bool {
			return strings.Contains(r.Message(granted), "an offboarding was ordered by <@"+bob+">")
		})
	})
}

// numberOf returns the number of a draft.
func (r *rig) numberOf(answer string) int64 {
	r.t.Helper()
	drafts, err := r.requests(access.Draft)
	r.must(err)
	if len(drafts) != 1 {
		r.t.Fatalf("there are %d drafts: %s", len(drafts), answer)
	}
	return drafts[0].ID
}

func (r *rig) requests(s access.RequestState) (found []access.Request, err error) {
	err = r.app.Store.Read(r.t.Context(), func(tx access.Tx) error {
		found, err = tx.Requests(r.t.Context(), access.RequestQuery{States: []access.RequestState{s}})
		return err
	})
	return found, err
}

func TestDeactivatedAccountIsOffboarded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{})
		key := r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		result, err := r.slack.Deactivate(t.Context(), alice)
		r.must(err)
		if !result.Acked {
			t.Errorf("the event was not acknowledged: %+v", result)
		}
		r.until("it is announced as finished", func() bool {
			all := r.slack.Messages(news)
			return len(all) == 1 && strings.Contains(all[0].Text, "*Offboarded* <@"+alice+">")
		})
		r.isOn(key, 0)
		r.says(r.slack.Messages(news)[0].Text, "'s Slack account was deactivated")
	})
}

func TestDeactivatedAccountIsAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{config: func(c *config.Config) { c.OffboardDeactivated = config.OffboardDeactivatedAsk }})
		key := r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		_, err := r.slack.Deactivate(t.Context(), alice)
		r.must(err)
		var asked slacksim.Message
		r.until("approvers are asked", func() bool {
			all := r.slack.Messages(ops)
			asked = all[len(all)-1]
			return strings.Contains(asked.Text, "Shall all their access and every key go?")
		})
		r.isOn(key, len(r.servers))
		outcome, err := r.slack.Click(t.Context(), bob, ops, asked.TS, slacksim.Pick{Label: "Approve"})
		r.must(err)
		r.acked(outcome)
		r.until("the key is gone", func() bool { return r.placed(key) == 0 })
	})
}
