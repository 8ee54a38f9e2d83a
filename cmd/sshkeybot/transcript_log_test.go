package main

import (
	"regexp"
	"strings"
)

// readingTheLog is what an approver reads afterwards.
func readingTheLog() chapter {
	return chapter{title: "What has happened", servers: threeServers()[:1], scenes: func(p *play) {
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
		p.pressesPrivate(playBob, "Older")

		p.scene("What became of one request, and of one person")
		p.types(playBob, "log #1")
		p.types(playBob, "log @dave")

		p.scene("The whole log")
		p.pressesPrivate(playBob, "Whole log as a file")
		p.file(playBob)

		p.scene("Who may read it, and how it is asked for")
		p.types(playAlice, "log")
		p.types(playBob, "log yesterday")
	}}
}

// seconds matches those of a time in a file, which depend on how often the play looks.
var seconds = regexp.MustCompile(`(T[0-9]{2}:[0-9]{2}):[0-9]{2}Z`)

// file shows the latest file in somebody's direct messages.
func (p *play) file(who player) {
	p.t.Helper()
	p.until("the file is there", func() bool { return len(p.slack.Files(p.slack.DM(who.id))) > 0 })
	all := p.slack.Files(p.slack.DM(who.id))
	p.says("The file in the direct messages of %s", who.name)
	for line := range strings.Lines(string(all[len(all)-1].Content)) {
		p.prints(seconds.ReplaceAllString(line, "$1:00Z"))
	}
}
