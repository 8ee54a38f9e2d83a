package main

import (
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

// pressesHome presses a button of somebody's App Home, and shows the App Home afterwards.
func (p *telling) pressesHome(who player, label string) {
	p.t.Helper()
	p.says("%s presses «%s» in the App Home", who.name, label)
	drawn := func() string {
		view, _ := p.slack.Home(who.id)
		return p.slack.RenderView(view, p.viewer(who))
	}
	p.whileHeld(func() {
		before := drawn()
		outcome, err := p.slack.ClickHome(p.t.Context(), who.id, slacksim.Pick{Label: label})
		p.acked(outcome, err)
		p.until("App Home is drawn anew", func() bool { return drawn() != before })
	}, nil)
	p.home(who)
}

// pressesLetter presses a button of the latest direct message.
func (p *telling) pressesLetter(who player, label string) {
	p.t.Helper()
	all := p.slack.DMs(who.id)
	last := all[len(all)-1]
	p.says("%s presses «%s»", who.name, label)
	p.privately(who, func() {
		outcome, err := p.slack.ClickStale(p.t.Context(), who.id, last.Channel, last.TS, slacksim.Pick{Label: label})
		p.acked(outcome, err)
	})
}

func ownHands() chapter {
	return chapter{title: "With one's own hands", servers: threeServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.types(playAlice, "register "+keyOf(p.t, "alice@desktop"))
		p.types(playAlice, "grant @alice 1h on web-* for the campaign")
		p.presses(playBob, 1, "Approve")

		p.scene("«I am done» in the reminder")
		p.later(46*time.Minute, "46 minutes pass")
		p.pressesLetter(playAlice, "I am done")

		p.scene("Given back in the App Home")
		p.types(playAlice, "grant @alice 8h on db-01 for the restore")
		p.presses(playBob, 2, "Approve")
		p.opensHome(playAlice)
		p.pressesHome(playAlice, "Give back")

		p.scene("A key is removed in the App Home")
		p.types(playAlice, "grant @alice 8h on db-01")
		p.presses(playBob, 3, "Approve")
		p.pressesHome(playAlice, "Remove")
		p.thread(playBob, 3)

		p.scene("A guest looks at the App Home")
		p.opensHome(playGus)
	}}
}

func longAccess() chapter {
	return chapter{
		title: "Long access", servers: threeServers(),
		config: func(c *config.Config) { c.AllowForever = true },
		scenes: func(p *telling) {
			p.types(playAlice, "register "+playKey(p.t, playAlice))
			p.scene("A renewal comes too late")
			p.types(playAlice, "grant @alice 2d on web-*")
			p.presses(playBob, 1, "Approve")
			p.later(10*time.Hour, "Ten hours pass, and a server goes offline")
			p.account.SetOnline(101, false)
			p.later(90*time.Minute, "Another hour and a half")
			p.until("the renewal has been tried", p.renewalFails)
			p.until("the other is renewed", p.renewed)
			p.later(time.Hour, "Another hour")
			p.account.SetOnline(101, true)
			p.later(time.Hour, "The server is back")
			p.channel(playBob, 1)

			p.scene("The end is noticed late")
			p.at(p.view(1).Grant.EndsAt.Add(7*time.Minute), "The bot stands still when the time is over, and wakes up seven minutes later")
			p.channel(playBob, 1)

			p.scene("Access without an end")
			p.types(playAlice, "grant @alice forever on db-01 for the backups")
			p.channel(playBob, 2)
			p.presses(playBob, 2, "Approve")
			p.channel(playBob, 2)
			p.types(playAlice, "list")

			p.scene("The next morning")
			p.summary("A day passes")
			p.bulletin(playBob, newsChannel)
		},
	}
}

// place returns the ID of a server in the ledger.
func (p *telling) place(tx access.Tx, name string) int64 {
	p.t.Helper()
	all, err := tx.AllServers(p.t.Context())
	p.must(err)
	for _, s := range all {
		if s.Name == name {
			return s.ID
		}
	}
	p.t.Fatalf("there is no server %s", name)
	return 0
}

// renewalFails reports whether a renewal was tried and has to wait.
func (p *telling) renewalFails() bool {
	var waiting []access.Placement
	p.must(p.app.Store.Read(p.t.Context(), func(tx access.Tx) (err error) {
		waiting, err = tx.Placements(p.t.Context(), access.PlacementQuery{Server: p.place(tx, "web-01")})
		return err
	}))
	return slices.ContainsFunc(waiting, func(placed access.Placement) bool { return placed.Urgent && placed.Detail != "" })
}

// renewed reports whether the server that is online has its new key.
func (p *telling) renewed() bool {
	var there []access.Placement
	p.must(p.app.Store.Read(p.t.Context(), func(tx access.Tx) (err error) {
		there, err = tx.Placements(p.t.Context(), access.PlacementQuery{Server: p.place(tx, "web-02"), States: []access.PlacementState{access.PlacementPlaced}})
		return err
	}))
	return len(there) == 1 && there[0].LapsesAt.Sub(p.clock.now()) > 10*time.Hour
}

func (p *telling) view(request int64) workflow.RequestView {
	p.t.Helper()
	v, err := p.app.Service.View(p.t.Context(), request)
	p.must(err)
	return v
}

func askedToOffboard() chapter {
	return chapter{
		title: "A deactivated account, where approvers are asked first", servers: threeServers(),
		config: func(c *config.Config) { c.OffboardDeactivated = config.OffboardDeactivatedAsk },
		scenes: func(p *telling) {
			p.types(playAlice, "register "+playKey(p.t, playAlice))
			p.types(playAlice, "grant @alice 8h for the release")
			p.presses(playBob, 1, "Approve")
			p.scene("Slack tells that Alice's account was deactivated")
			outcome, err := p.slack.Deactivate(p.t.Context(), playAlice.id)
			p.acked(outcome.Outcome, err)
			p.until("the approvers are asked", func() bool { _, err := p.app.Service.View(p.t.Context(), 2); return err == nil })
			p.channel(playBob, 2)
			p.presses(playCarol, 2, "Approve")
			p.channel(playBob, 2)
			p.channel(playBob, 1)
		},
	}
}

func archivedChannel() chapter {
	return closedChannel("is archived", func(c *slacksim.Channel) { c.Archived = true })
}

func uninvited() chapter {
	return closedChannel("the bot is no member of", func(c *slacksim.Channel) { c.Private, c.Bot = true, false })
}

func closedChannel(how string, closed func(*slacksim.Channel)) chapter {
	return chapter{title: "A channel that " + how, servers: threeServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.scene("Alice asks")
		shut := p.channelNamed(opsChannel)
		closed(&shut)
		p.slack.AddChannel(shut)
		p.typesElsewhere(playAlice, "grant @alice 1h on web-01")
	}}
}

func (p *telling) channelNamed(id string) (found slacksim.Channel) {
	for _, c := range p.slack.Channels() {
		if c.ID == id {
			found = c
		}
	}
	return found
}

// typesElsewhere gives a command in a channel where requests are not posted, and shows the
// answer and the direct message that follows.
func (p *telling) typesElsewhere(who player, text string) {
	p.t.Helper()
	p.says("%s types in #%s: /sshkey %s", who.name, channelName(newsChannel), text)
	outcome, err := p.slack.Command(p.t.Context(), who.id, newsChannel, "/sshkey "+text)
	p.acked(outcome.Outcome, err)
	p.until(who.name+" is answered and told", func() bool {
		p.must(p.app.Sweep(p.t.Context()))
		return len(p.unseen(who)) > 1
	})
	p.letters()
}

// judging shows the decisions about keys that the bot did not place: one is removed, one
// stays.
func (p *telling) judging() {
	p.scene("An approver decides about the keys that were not ours, and the last server comes back")
	p.presses(playCarol, 3, "Remove this key")
	p.channel(playCarol, 3)
	p.account.SetOnline(103, true)
	p.later(time.Hour, "An hour passes")
	p.channel(playBob, 3)
	p.presses(playBob, 3, "Leave it")
	p.presses(playCarol, 3, "Leave it")

	p.scene("She opens the keys that merely begin like one of Dave's")
	p.channel(playCarol, 3)
	p.opensForm(playCarol, p.posted(3), "Show them")
	p.pressesForm(playCarol, "Leave it")
	p.pressesForm(playCarol, "Leave them all")
	p.thread(playBob, 3)
}

// byHand places keys whose labels name Dave, and colleagues' keys of the type that he has one of, as
// somebody with the dashboard would.
func (p *telling) byHand() {
	for _, label := range []string{"dave at home", "deploy of dave"} {
		p.account.AddKey(101, runcloudsim.Credential{Label: label, User: "runcloud", PublicKey: keyOf(p.t, strings.ReplaceAll(label, " ", "-")+"@home")})
	}
	for server, label := range []string{"backup", "monitoring", "agency"} {
		p.account.AddKey(int64(101+server%2), runcloudsim.Credential{Label: label, User: "root", PublicKey: ecdsaKeyOf(p.t, label)})
	}
}
