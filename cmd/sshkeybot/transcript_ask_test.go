package main

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
)

func threeServers() []runcloudsim.Server {
	return []runcloudsim.Server{
		{ID: 101, Name: "web-01", Tags: []string{"shop"}}, {ID: 102, Name: "web-02", Tags: []string{"shop"}}, {ID: 103, Name: "db-01"},
	}
}

// playKey returns the public key of a person's laptop.
func playKey(t testing.TB, who player) string {
	t.Helper()
	return keyOf(t, strings.ToLower(who.name)+"@laptop")
}

func firstSteps() chapter {
	return chapter{title: "First steps", servers: threeServers(), scenes: func(p *telling) {
		p.scene("Somebody looks for help")
		p.types(playAlice, "help")
		p.types(playAlice, "grnat @alice 2h")
		p.types(playAlice, "dance")
		p.types(playAlice, "grant @alcie 2h")
		p.types(playAlice, "grant @alice soon")
		p.types(playAlice, "grant @alice 2h on wbe-01")
		p.types(playAlice, "grant @alice 2h as postgres")
		p.types(playAlice, "list")
		p.registering()
		p.askingByForm()
	}}
}

func (p *telling) registering() {
	p.scene("A key is registered in a form")
	p.typesForForm(playAlice, "register")
	private := strings.ReplaceAll("-----BEGIN OPENSSH _ KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END OPENSSH _ KEY-----", "_", "PRIVATE")
	p.wrongly(playAlice, field{"key", private, "(a private key)"})
	p.wrongly(playAlice, field{"key", rsaKeyOf(2048), "(an RSA key of 2048 bits)"})
	p.wrongly(playAlice, field{"key", "ssh-ed25519 AAAAC3Nza", "ssh-ed25519 AAAAC3Nza"})
	p.rightly(playAlice, field{"key", playKey(p.t, playAlice), "(her public key)"}, field{"note", "laptop", ""})

	p.scene("A key is registered in the command")
	p.types(playDave, "register "+playKey(p.t, playAlice))
	p.types(playDave, "register "+playKey(p.t, playDave))
	p.types(playDave, "register "+playKey(p.t, playDave))
	p.types(playDave, "keys")
	p.types(playDave, "keys @alice")
	p.types(playBob, "keys @alice")
}

func (p *telling) askingByForm() {
	p.scene("Access is asked for in a form")
	p.typesForForm(playAlice, "grant")
	p.searches(playAlice, "")
	p.searches(playAlice, "wbe")
	p.searches(playAlice, "shop")
	p.searches(playAlice, "web-*")
	p.chooses(playAlice, "Other…")
	p.wrongly(playAlice, field{"other_duration", "90d", ""}, field{"servers", "web-*", ""})
	p.wrongly(playAlice, field{"other_duration", "tomorrow", ""}, field{"person", playGus.id, "@gus"})
	p.rightly(playAlice, field{"person", playAlice.id, "@alice"}, field{"duration/duration", "2h", ""}, field{"reason", "The checkout fails since the release of 4.2", ""})
	p.channel(playBob, 1)
	p.types(playAlice, "list")
	p.types(playBob, "pending")
	p.types(playBob, "servers")

	p.scene("Bob approves, RunCloud is slow")
	p.says("Bob presses «Approve» on request 1")
	p.whileHeld(func() { p.click(playBob, 1, "Approve") }, func() {
		p.letters()
		p.thread(playBob, 1)
	})
	p.thread(playBob, 1)
	p.letters()

	p.scene("Who has access")
	p.types(playAlice, "list")
	p.types(playBob, "list")
	p.types(playBob, "list @dave")
	p.types(playAlice, "list @dave")
	p.types(playAlice, "pending")
}

func deciding() chapter {
	return chapter{title: "Deciding", servers: threeServers(), scenes: func(p *telling) {
		p.scene("A colleague asks for somebody without a key")
		p.types(playDave, "grant @alice 4h for the migration of the shop")
		p.types(playDave, "list")
		p.channel(playBob, 1)
		p.opensForm(playAlice, p.slack.DMs(playAlice.id)[0], "Register a key")
		p.rightly(playAlice, field{"key", playKey(p.t, playAlice), "(her public key)"})
		p.channel(playBob, 1)

		p.scene("The wrong people press the buttons")
		p.presses(playAlice, 1, "Approve")
		p.presses(playAlice, 1, "Withdraw")
		p.presses(playDave, 1, "Deny")

		p.scene("Bob makes the request smaller")
		p.opensForm(playBob, p.posted(1), "Edit")
		p.wrongly(playBob, field{"duration", "two hours", ""}, field{"servers", "#", ""})
		p.wrongly(playBob, field{"duration", "12h", ""}, field{"servers", "mail-*", ""})
		p.rightly(playBob, field{"duration", "1h", ""}, field{"servers", "web-*", ""})
		p.channel(playBob, 1)
		p.presses(playBob, 1, "Approve")
		p.channel(playAlice, 1)
		p.presses(playCarol, 1, "Approve")
		p.closing()
	}}
}

func (p *telling) closing() {
	p.scene("A request is denied")
	p.types(playAlice, "grant @alice 2d on db-01 for curiosity")
	p.opensForm(playCarol, p.posted(2), "Deny")
	p.rightly(playCarol, field{"reason", "Please use the reporting replica; ask me how.", ""})
	p.channel(playAlice, 2)
	p.presses(playBob, 2, "Approve")

	p.scene("A request is taken back")
	p.types(playAlice, "grant @alice 1h on db-01")
	p.types(playAlice, "grant @alice 1h on db-01")
	p.presses(playAlice, 3, "Withdraw")
	p.channel(playBob, 3)

	p.scene("An approver asks for themself")
	p.types(playBob, "register "+playKey(p.t, playBob))
	p.types(playBob, "grant @bob 30m")
	p.presses(playBob, 4, "Approve")

	p.scene("Alice's hour is over")
	p.at(p.view(1).Grant.EndsAt, "The time passes")

	p.scene("Nobody decides in time")
	p.later(3*time.Hour, "Three hours pass")
	p.threadEnd(playCarol, 4)
	v, err := p.app.Service.View(p.t.Context(), 4)
	p.must(err)
	p.at(v.Request.ExpiresAt, "Five more hours pass")
	p.channel(playBob, 4)
	p.presses(playCarol, 4, "Approve")
}

func twoApprovals() chapter {
	return chapter{
		title: "Two approvals", servers: threeServers(),
		config: func(c *config.Config) { c.Approvals = 2 },
		scenes: func(p *telling) {
			p.types(playAlice, "register "+playKey(p.t, playAlice))
			p.scene("Both approvers are needed")
			p.types(playAlice, "grant @alice 2h on db-01 for the restore")
			p.channel(playBob, 1)
			p.presses(playBob, 1, "Approve")
			p.channel(playCarol, 1)
			p.presses(playBob, 1, "Approve")
			p.presses(playCarol, 1, "Approve")
			p.channel(playAlice, 1)

			p.scene("Nobody is left to decide")
			p.types(playBob, "grant @bob 2h")
		},
	}
}
