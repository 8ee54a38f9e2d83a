package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// crowds puts requests that wait, and others whose grants live, into the ledger, and has the daily summary posted.
func (r *rig) crowds(waiting, live int) slacksim.Message {
	r.t.Helper()
	ctx, now := r.t.Context(), time.Now()
	r.must(r.app.Service.Store.Update(ctx, func(tx access.Tx) error {
		for i := range waiting + live {
			wish := access.Request{Kind: access.KindGrant, State: access.Pending, Asker: dave, Person: dave, SystemUser: "runcloud", Duration: time.Hour, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
			if i >= waiting {
				wish.State = access.Approved
			}
			made, _, err := tx.InsertRequest(ctx, wish, nil)
			if err == nil && i >= waiting {
				_, err = tx.InsertGrant(ctx, access.Grant{RequestID: made.ID, Person: dave, SystemUser: "runcloud", State: access.Live, StartsAt: now, EndsAt: now.Add(time.Hour)}, nil)
			}
			if err != nil {
				return err
			}
		}
		return tx.Notify(ctx, access.Notice{Key: "summary:today", Kind: access.NoticeSummary})
	}))
	var summary slacksim.Message
	r.until("the summary is there", func() bool {
		all := r.slack.Messages(news)
		if len(all) > 0 {
			summary = all[len(all)-1]
		}
		return strings.HasPrefix(summary.Text, "SSH access today")
	})
	return summary
}

var requestAnywhere = regexp.MustCompile(`[Rr]equest (\d+)`)

// The summary of a day has room for a few of a thousand entries. Its buttons show an approver all of them, each once,
// from the part on that they stand under; to anybody else they say why not, and the summary stays as it is for all.
func TestSummaryLeadsToAllOfItsLists(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database, unpaced: true})
		summary := r.crowds(500, 500)
		r.says(summary.Text, "500 requests waiting, 500 live grants", "… and ")
		presses := func(user, label string) string {
			before := len(r.private(user))
			r.acked(r.clicksOn(user, summary, label))
			return r.answer(user, before)
		}
		for _, label := range []string{"Show all 500 requests", "Show all 500 grants"} {
			r.says(presses(alice, label), "Only an approver may see somebody else's access.", "<@"+bob+">")
		}
		r.says(presses(bob, "Show all 500 grants"), "Access now: 500 grants", "501–520 of 1,000")
		pages := r.turned(bob)
		named := requestAnywhere.FindAllString(strings.Join(pages, "\n"), -1)
		if slices.Sort(named); len(slices.Compact(named)) != 500 || len(pages) != 25 {
			t.Errorf("%d pages show %d grants", len(pages), len(slices.Compact(named)))
		}
		r.says(presses(bob, "Show all 500 requests"), "Waiting: 500 requests", "1–20 of 1,000")
		if n := len(r.private(bob)); n != 2 {
			t.Errorf("%d messages, want one for each button, whose pages are turned in place", n)
		}
		if now, _ := r.slack.Message(summary.Channel, summary.TS); len(now.Edits) > 0 {
			t.Errorf("the summary has become %q", now.Text)
		}
	})
}

// Home has a hundred of the keys that are overdue. Its button brings the whole list, since a tab answers nobody.
func TestHomeLeadsToEveryOverdueKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{unpaced: true})
		_ = r.Types(bob, "servers") // which are known from then on
		r.account.Fault(runcloudsim.FaultRule{Kind: runcloudsim.FaultStatus, Status: 502})
		r.must(r.app.Service.Store.Update(t.Context(), func(tx access.Tx) error {
			for i := range 150 {
				p := access.Placement{ServerID: 1, SystemUser: fmt.Sprintf("app%d", i), Fingerprint: "SHA256:a", State: access.PlacementLeaving, LeftAt: time.Now().Add(-time.Hour), Person: dave}
				if _, err := tx.InsertPlacement(t.Context(), p); err != nil {
					return err
				}
			}
			return nil
		}))
		_, err := r.slack.OpenHome(t.Context(), bob)
		r.must(err)
		r.until("the tab has them", func() bool {
			home, _ := r.slack.Home(bob)
			return slices.ContainsFunc(home.Buttons(), func(b slacksim.Button) bool { return b.Label == "Next page" })
		})
		press := func(label string) {
			outcome, err := r.slack.ClickHome(t.Context(), bob, slacksim.Pick{Label: label})
			r.must(err)
			r.acked(outcome)
		}
		hasButton := func() bool {
			home, _ := r.slack.Home(bob)
			return slices.ContainsFunc(home.Buttons(), func(b slacksim.Button) bool { return b.Label == "Show all 150 keys" })
		}
		for page := 2; !hasButton(); page++ {
			press("Next page")
			r.until("the next page", func() bool {
				home, _ := r.slack.Home(bob)
				return strings.Contains(r.slack.RenderView(home, slacksim.Viewer{TZ: time.UTC, Width: 400}), fmt.Sprintf("Page %d of", page))
			})
		}
		press("Show all 150 keys")
		r.until("the list comes", func() bool { return strings.Contains(r.DMs(bob), "Still to remove: 150 keys") })
		dms := r.slack.DMs(bob)
		r.acked(r.clicksOn(bob, dms[len(dms)-1], "Next page"))
		r.until("its second page", func() bool {
			all := r.private(bob)
			return strings.Contains(all[len(all)-1].Text, "21–40 of 150")
		})
	})
}

// The announcement of an offboarding has room for a few of the servers that still owe a key. Whoever can read it can
// open the list of all, with what came of each, those first where something is left to do, and have it as a file.
func TestAnnouncementLeadsToEveryServer(t *testing.T) {
	t.Parallel()
	if withRace {
		t.Skip("it is about size: the other tests run the same paths")
	}
	synctest.Test(t, func(t *testing.T) {
		const servers, troubled = 500, 60
		r := start(t, plan{servers: servers, unpaced: true})
		r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		for _, server := range r.servers[:troubled] {
			r.account.Fault(runcloudsim.FaultRule{Server: server, Op: runcloudsim.OpChange, Kind: runcloudsim.FaultStatus, Status: 403, Message: "This action is forbidden."})
		}
		id := r.numberOf(r.Types(bob, "offboard @alice"))
		r.says(r.PressPrivate(bob, r.confirmButton(bob)), "is under way")
		r.Settled(id)
		r.says(r.Message(id), "*Removing keys:* removed on 440 of 500 servers so far", "*Still to remove*", "… and ")
		r.acked(r.clicks(erin, id, "Show all 500 servers"))
		pages := r.modalPages(erin)
		for _, server := range r.servers {
			if n := strings.Count(strings.Join(pages, "\n"), "`"+r.nameOf(server)+"` #"); n != 1 {
				t.Errorf("%s is shown %d times", r.nameOf(server), n)
			}
		}
		if n := strings.Count(pages[0], "failed to remove, refused by RunCloud"); n != troubled || len(pages) != 6 {
			t.Errorf("the first of %d pages has %d of %d servers that owe a key", len(pages), n, troubled)
		}
		outcome, err := r.slack.ClickView(t.Context(), erin, r.slack.Modals(erin)[0].ID, slacksim.Pick{Label: "Send me the list as a file"})
		r.must(err)
		r.acked(outcome)
		r.until("the file", func() bool {
			dms := r.slack.DMs(erin)
			return len(dms) > 0 && len(r.slack.Files(dms[0].Channel)) == 1
		})
		file := string(r.slack.Files(r.slack.DMs(erin)[0].Channel)[0].Content)
		if n := strings.Count(file, "failed to remove"); n != troubled || strings.Count(file, "\n") != servers+1 {
			t.Errorf("the file has %d lines, %d of them failed", strings.Count(file, "\n"), n)
		}
	})
}

// modalPages turns the pages of the modal that a person has open, and returns what each shows.
func (r *rig) modalPages(user string) (all []string) {
	r.t.Helper()
	shown := func() string {
		open := r.slack.Modals(user)
		if len(open) == 0 {
			return ""
		}
		return r.slack.RenderView(open[0], slacksim.Viewer{TZ: time.UTC, Width: 1000})
	}
	r.until("a list is open", func() bool { return shown() != "" })
	for {
		now := shown()
		all = append(all, now)
		v := r.slack.Modals(user)[0]
		if !slices.ContainsFunc(v.Buttons(), func(b slacksim.Button) bool { return b.Label == "Next page" }) {
			return all
		}
		outcome, err := r.slack.ClickView(r.t.Context(), user, v.ID, slacksim.Pick{Label: "Next page"})
		r.must(err)
		r.acked(outcome)
		r.until("the next page", func() bool { return shown() != now })
	}
}

// What an audit found on many servers is decided about once each of them could be read.
func TestEveryServerOfAFindingCanBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, plan{servers: 7})
		for _, server := range r.servers {
			r.account.AddKey(server, runcloudsim.Credential{Label: "agency", User: "runcloud", PublicKey: keyOf(t, "agency")})
		}
		id := r.Ask(bob, "audit")
		r.When(id, "all is read", func(v workflow.RequestView) bool { return v.Audit.Read == 7 })
		r.until("it is said", func() bool { return strings.Contains(r.Message(id), "`agency`") })
		m := r.Posted(id)
		seen := valueOf(t, m, "Show all 7 servers")
		r.says(r.PressAsShown(alice, m, "Show all 7 servers", seen), "Only an approver")
		r.acked(r.clicksOn(bob, m, "Show all 7 servers"))
		pages := r.modalPages(bob)
		r.says(pages[0], "this key is on 7 servers")
		for _, server := range r.servers {
			r.says(pages[0], "`"+r.nameOf(server)+"`")
		}
		r.says(r.Press(bob, id, "Keep"), "7 copies stay")
		r.says(r.PressAsShown(carol, m, "Show all 7 servers", seen), "That has changed since it was shown.")
	})
}
