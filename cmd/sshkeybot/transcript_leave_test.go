package main

import (
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
)

func takingAway() chapter {
	return chapter{title: "Revoking access", servers: threeServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.types(playDave, "register "+playKey(p.t, playDave))
		p.types(playAlice, "grant @alice 8h for the release")
		p.presses(playBob, 1, "Approve")
		p.types(playDave, "grant @dave 8h for the release")
		p.presses(playBob, 2, "Approve")

		p.scene("A colleague asks to revoke access on one server")
		p.types(playDave, "revoke @alice on db-01 for the database is not part of it")
		p.channel(playBob, 3)
		p.presses(playBob, 3, "Approve")
		p.thread(playBob, 3)
		p.channel(playAlice, 1)
		p.types(playAlice, "list")

		p.scene("An approver revokes all access of a person")
		p.types(playBob, "revoke @alice for a lost laptop")
		p.pressesPrivate(playBob, "Leave it as it is")
		p.types(playBob, "revoke @alice for a lost laptop")
		p.pressesPrivate(playBob, "Revoke")
		p.thread(playBob, 5)
		p.channel(playAlice, 1)
		p.types(playBob, "revoke @alice")
	}}
}

func pastedKey() chapter {
	return chapter{title: "A key of nobody's", servers: threeServers(), scenes: func(p *telling) {
		p.scene("A key was found on the internet")
		p.findKey()
	}}
}

func (p *telling) findKey() {
	old := keyOf(p.t, "someone@old")
	p.account.AddKey(102, runcloudsim.Credential{Label: "old notebook", User: "runcloud", PublicKey: old})
	p.account.AddKey(103, runcloudsim.Credential{Label: "backup", User: "root", PublicKey: keyOf(p.t, "backup")})
	p.types(playBob, "revoke SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	p.types(playBob, "revoke "+old+" for it is public")
	p.pressesPrivate(playBob, "Revoke")
	p.thread(playBob, 1)
	p.presses(playAlice, 1, "Remove this key")
	p.presses(playBob, 1, "Remove this key")
	p.thread(playBob, 1)
}

func leaving() chapter {
	return chapter{title: "Leaving", servers: threeServers(), scenes: func(p *telling) {
		p.types(playDave, "register "+playKey(p.t, playDave))
		p.types(playDave, "grant @dave 8h for the release")
		p.presses(playBob, 1, "Approve")
		p.types(playDave, "register "+ecdsaKeyOf(p.t, "dave@phone"))
		p.types(playDave, "grant @dave 2h on db-01 as root")

		p.scene("Dave leaves the company")
		p.account.SetOnline(103, false)
		p.byHand()
		p.account.AddSession(102, runcloudsim.Session{Username: "runcloud", TTY: "pts/0", IPAddress: "203.0.113.7", LoginSince: "2026-03-09 08:01:00", Idle: "0s", CurrentRunningProcess: "vim"})
		p.clock.jump(10 * time.Minute)
		p.types(playAlice, "offboard @dave")
		p.types(playBob, "offboard @dave for he leaves on friday")
		p.pressesPrivate(playBob, "Offboard")
		p.thread(playBob, 3)
		p.channel(playBob, 2)
		p.types(playDave, "grant @dave 1h")
		p.types(playAlice, "grant @dave 1h")
		p.types(playBob, "list")
		p.types(playBob, "pending")

		p.scene("The next morning")
		p.summary("A day passes")
		p.bulletin(playBob, newsChannel)

		p.judging()
		p.comingBack()
	}}
}

// comingBack has Dave reinstated, whom request 3 offboarded.
func (p *telling) comingBack() {
	p.scene("Dave comes back to the company")
	p.types(playDave, "grant @dave 1h")
	p.types(playAlice, "reinstate @dave")
	p.types(playBob, "reinstate @dave for he is back, as a freelancer")
	p.channel(playCarol, 4)
	p.presses(playBob, 4, "Approve")
	p.presses(playCarol, 4, "Approve")
	p.bulletin(playBob, newsChannel)
	p.types(playBob, "reinstate @dave")
	p.types(playDave, "grant @dave 1h")
}

func purging() chapter {
	return chapter{title: "Every key of root goes", servers: threeServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.types(playAlice, "grant @alice 8h on web-01 as root")
		p.presses(playBob, 1, "Approve")
		p.account.AddKey(102, runcloudsim.Credential{Label: "old agency", User: "root", PublicKey: keyOf(p.t, "agency")})
		p.account.AddKey(103, runcloudsim.Credential{Label: "backup", User: "root", PublicKey: keyOf(p.t, "backup")})
		p.account.AddKey(103, runcloudsim.Credential{Label: "deploy", User: "runcloud", PublicKey: keyOf(p.t, "deploy")})

		p.scene("Who may ask for it, and how")
		p.types(playAlice, "purge root")
		p.types(playBob, "purge")
		p.types(playBob, "purge Root")
		p.types(playBob, "purge root")
		p.channel(playCarol, 2)
		p.presses(playBob, 2, "Approve")

		p.scene("Another key comes, and another approver looks at the list")
		p.account.AddKey(101, runcloudsim.Credential{Label: "just now", User: "root", PublicKey: keyOf(p.t, "just now")})
		p.presses(playCarol, 2, "Send me the list as a file")
		p.presses(playCarol, 2, "Approve")
		p.thread(playCarol, 2)
		p.channel(playCarol, 2)
		p.channel(playAlice, 1)
	}}
}

func auditing() chapter {
	return chapter{title: "An audit", servers: threeServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.types(playAlice, "grant @alice 8h")
		p.presses(playBob, 1, "Approve")
		for _, server := range []int64{101, 102} {
			p.account.AddKey(server, runcloudsim.Credential{Label: "ci", User: "runcloud", PublicKey: keyOf(p.t, "ci")})
		}
		p.account.AddKey(103, runcloudsim.Credential{Label: "old agency", User: "root", PublicKey: keyOf(p.t, "agency")})
		p.clock.jump(10 * time.Minute)
		for _, c := range p.account.Keys(103) {
			if c.User == "runcloud" {
				p.account.RemoveKey(103, c.ID)
			}
		}

		p.scene("What is there is compared with what should be")
		p.types(playAlice, "audit")
		p.types(playBob, "audit nothing-*")
		p.types(playBob, "audit")
		p.until("the audit is complete", func() bool {
			v, err := p.app.Service.View(p.t.Context(), 2)
			p.must(err)
			return v.Audit.Moving == 0
		})
		p.shown()
		p.channel(playCarol, 2)
		p.thread(playCarol, 1)

		p.scene("Each is decided about")
		p.presses(playAlice, 2, "Keep")
		p.presses(playCarol, 2, "Remove")
		p.channel(playBob, 3)
		p.presses(playCarol, 3, "Approve")
		p.presses(playBob, 3, "Approve")
		p.presses(playBob, 2, "Keep")
		p.presses(playBob, 2, "Place again")
		p.settled()
		p.channel(playCarol, 2)
	}}
}

func deactivated() chapter {
	return chapter{title: "A deactivated account", servers: threeServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.types(playAlice, "grant @alice 8h for the release")
		p.presses(playBob, 1, "Approve")
		p.scene("Slack tells that Alice's account was deactivated")
		p.whileHeld(func() {
			outcome, err := p.slack.Deactivate(p.t.Context(), playAlice.id)
			p.acked(outcome.Outcome, err)
			p.until("the offboarding has begun", func() bool {
				_, err := p.app.Service.View(p.t.Context(), 2)
				return err == nil
			})
		}, nil)
		p.thread(playBob, 2)
	}}
}

// summary lets a day pass, and shows the daily summary.
func (p *telling) summary(words string) {
	p.t.Helper()
	p.must(p.app.Service.Summarise(p.t.Context(), 0))
	p.later(24*time.Hour, words)
	p.must(p.app.Service.Summarise(p.t.Context(), 0))
	p.shown()
}

func trouble() chapter {
	return chapter{title: "Trouble and refusals", servers: threeServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.scene("RunCloud refuses the token")
		p.types(playAlice, "grant @alice 3h on web-*")
		p.account.AllowOnly("192.0.2.1")
		p.halted = true
		p.presses(playBob, 1, "Approve")
		p.until("the work is halted", func() bool {
			halted, err := p.app.Service.Engine.Halted(p.t.Context())
			p.must(err)
			return len(halted) > 0
		})
		p.shown()
		p.bulletin(playCarol, newsChannel)
		p.channel(playBob, 1)

		p.scene("The address is put on the allow list")
		p.account.AllowOnly()
		p.must(p.app.Service.Engine.Resume(p.t.Context()))
		p.halted = false
		p.later(5*time.Minute, "Five minutes pass")
		p.bulletin(playCarol, newsChannel)
		p.channel(playBob, 1)
		p.refusals()
	}}
}

func (p *telling) refusals() {
	p.scene("Who may not take part")
	for _, u := range []slacksim.User{
		{ID: "U0ROBOT", Name: "robot", IsBot: true},
		{ID: "U0SUE", Name: "sue", TeamID: "T0OTHER", IsStranger: true}, {ID: "U0LEE", Name: "lee", Deleted: true},
	} {
		p.slack.AddUser(u)
	}
	for _, name := range []string{"gus", "robot", "sue", "lee"} {
		p.types(playAlice, "grant @"+name+" 1h")
	}
	p.types(playGus, "grant @alice 1h")
}
