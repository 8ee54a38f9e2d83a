package main

import (
	"regexp"
	"strings"

	"sshkeybot/internal/sim/slacksim"
)

// readingTheLog is what an approver reads afterwards.
func readingTheLog() chapter {
	return chapter{title: "What has happened", servers: threeServers()[:1], scenes: func(p *telling) {
		p.scene("A morning's work")
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.types(playAlice, "grant @alice 1h on web-01 for the release")
		p.presses(playBob, 1, "Approve")
		p.types(playAlice, "done")
		p.scene("Somebody loses a laptop")
		p.types(playDave, "register "+playKey(p.t, playDave))
		p.types(playDave, "grant @dave 4h for the restore")
		p.presses(playCarol, 2, "Approve")
		p.types(playCarol, "revoke @dave for a lost laptop")
		p.pressesPrivate(playCarol, "Revoke")

		p.scene("Bob reads the log")
		p.types(playBob, "log")
		p.pressesPrivate(playBob, "Older events")

		p.scene("What became of one request, and of one person")
		p.types(playBob, "log #1")
		p.types(playBob, "log @dave")

		p.scene("The whole log")
		p.sendsFile(playBob, "Whole log as a file")

		p.scene("Who may read it, and how it is asked for")
		p.types(playAlice, "log")
		p.types(playBob, "log yesterday")
	}}
}

// seconds matches those of a time in a file, which depend on how often the play looks.
var seconds = regexp.MustCompile(`(T[0-9]{2}:[0-9]{2}):[0-9]{2}Z`)

// sendsFile presses a button of the latest message that only this person sees, and shows the
// file that comes in their direct messages with a message there, and the answer.
func (p *telling) sendsFile(who player, label string) {
	p.t.Helper()
	all := answers(p.slack.Ephemeral(who.id))
	p.says("%s presses «%s»", who.name, label)
	outcome, err := p.slack.ClickEphemeral(p.t.Context(), who.id, all[len(all)-1].TS, slacksim.Pick{Label: label})
	p.acked(outcome, err)
	p.until("the file and the answer are there", func() bool { return len(p.unseen(who)) == 3 })
	p.letters()
	p.file(who)
}

// file shows the latest file in somebody's direct messages.
func (p *telling) file(who player) {
	p.t.Helper()
	all := p.slack.Files(p.slack.DM(who.id))
	p.says("The file in the direct messages of %s", who.name)
	for line := range strings.Lines(string(all[len(all)-1].Content)) {
		p.prints(seconds.ReplaceAllString(line, "$1:00Z"))
	}
}
