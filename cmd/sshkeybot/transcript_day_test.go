package main

import (
	"fmt"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
)

// act is what somebody does at a time of the day in Berlin.
type act struct {
	at, words string
	do        func() // nil where only time passes
}

func busyDay() chapter {
	return chapter{
		title: "A day of a busy team", servers: fortyServers(),
		config: func(c *config.Config) { c.AnnounceChannel = "" }, // #ops is the only channel
		scenes: func(p *telling) {
			for _, who := range []player{playAlice, playDave, playFrank, playBob} {
				p.quietly(func() { p.types(who, "register "+playKey(p.t, who)) })
			}
			p.must(p.app.Service.Summarise(p.t.Context(), 0))
			p.scene("What they do, by the clock in Berlin")
			for _, a := range p.actsOfTheDay() {
				p.reaches(a.at)
				p.prints(a.at + "  " + a.words)
				if a.do != nil {
					p.quietly(a.do)
				}
			}
			p.evening()
			p.reaches("09:00")
			p.must(p.app.Service.Summarise(p.t.Context(), 0))
			p.scene("The next morning")
			p.shown()
			p.bulletin(playBob, opsChannel)
			p.counts()
		},
	}
}

// fortyServers are 24 that serve a shop, eight for its interfaces, and eight databases.
func fortyServers() (all []runcloudsim.Server) {
	for _, kind := range []struct {
		name string
		n    int
	}{{"web", 24}, {"api", 8}, {"db", 8}} {
		for i := range kind.n {
			all = append(all, runcloudsim.Server{ID: int64(101 + len(all)), Name: fmt.Sprintf("%s-%02d", kind.name, i+1)})
		}
	}
	return all
}

// whatWasAsked is what the requests of the day are about, in order.
func whatWasAsked() []string {
	return []string{
		"Alice, 2h on 24 servers; extended",
		"Dave for Erin, who has no key; given back",
		"Frank, 2d everywhere; denied",
		"Frank, 8h on 8 servers; narrowed, expired",
		"Alice, 1h more",
		"Dave, 8h on 3 servers, 1 offline; revoked",
		"Frank, 1d on 2 servers; after a reminder",
		"Erin, 12h on 1 server; nobody decided",
		"Bob revokes Dave's access",
		"Bob, 1h on 1 server; expired",
	}
}

func (p *telling) actsOfTheDay() []act {
	types := func(at string, who player, text string) act {
		return act{at, who.name + " types: /sshkey " + text, func() { p.types(who, text) }}
	}
	presses := func(at string, who player, label string, request int64) act {
		return act{at, fmt.Sprintf("%s presses «%s» on request %d", who.name, label, request), func() { p.presses(who, request, label) }}
	}
	return []act{
		types("09:05", playAlice, "grant @alice 2h on web-* for the checkout is slow"),
		presses("09:10", playBob, "Approve", 1),
		types("09:20", playDave, "grant @erin 4h on api-* for her first deployment"),
		{"09:40", "Erin registers a key, with the button of her direct message", p.erinRegisters},
		presses("09:45", playBob, "Approve", 2),
		types("09:50", playFrank, "grant @frank 2d for curiosity"),
		{"10:05", "Bob denies request 3: «Please name the servers that you need.»", func() {
			p.opensForm(playBob, p.posted(3), "Deny")
			p.rightly(playBob, field{"reason", "Please name the servers that you need.", ""})
		}},
		types("10:10", playFrank, "grant @frank 8h on db-* for slow queries"),
		{"10:20", "Bob narrows request 4 to 2h on db-01, and approves it", func() {
			p.opensForm(playBob, p.posted(4), "Edit")
			p.rightly(playBob, field{"duration", "2h", ""}, field{"servers", "db-01", ""})
			p.presses(playBob, 4, "Approve")
		}},
		{"11:00", "Alice asks for 1h more, with the button of her direct message", func() {
			p.opensForm(playAlice, p.lastLetter(playAlice), "Extend")
			p.rightly(playAlice, field{"duration/duration", "1h", ""})
		}},
		presses("11:05", playBob, "Approve", 5),
		types("11:30", playErin, "done"),
		{"11:35", "The server web-02 goes offline", func() { p.account.SetOnline(102, false) }},
		types("11:40", playDave, "grant @dave 8h on web-01,web-02,db-02 for the migration"),
		presses("11:50", playBob, "Approve", 6),
		types("12:00", playFrank, "grant @frank 1d on db-01,db-02 for the same, longer"),
		types("12:05", playErin, "grant @erin 12h on api-01 for a look around"),
		{"12:30", "The server web-02 is back", func() { p.account.SetOnline(102, true) }},
		{"14:00", "Bob types: /sshkey revoke @dave for a lost laptop, and confirms it", func() {
			p.types(playBob, "revoke @dave for a lost laptop")
			p.pressesPrivate(playBob, "Revoke")
		}},
		{"14:45", "Requests 7 and 8 have waited for a third of their time: the approvers are reminded", nil},
		presses("14:50", playCarol, "Approve", 7),
		types("15:00", playBob, "grant @bob 1h on db-02 for the backup"),
		presses("15:10", playCarol, "Approve", 10),
		{"20:10", "Request 8 has expired", nil},
	}
}

func (p *telling) erinRegisters() {
	p.opensForm(playErin, p.lastLetter(playErin), "Register a key")
	p.rightly(playErin, field{"key", playKey(p.t, playErin), ""})
}

// quietly does something that does not show in the transcript.
func (p *telling) quietly(do func()) {
	p.t.Helper()
	before := p.out.String()
	do()
	p.letters()
	p.out.Reset()
	p.out.WriteString(before)
}

// reaches lets time pass up to a time of the day in Berlin, in steps so small that what is due
// meanwhile is done in time.
func (p *telling) reaches(at string) {
	p.t.Helper()
	zone := p.viewer(playBob).TZ
	hour, err := time.Parse("15:04", at)
	p.must(err)
	now := p.clock.now().In(zone)
	when := time.Date(now.Year(), now.Month(), now.Day(), hour.Hour(), hour.Minute(), 0, 0, zone)
	if when.Before(now) {
		when = when.AddDate(0, 0, 1)
	}
	for p.clock.now().Before(when) {
		next := p.clock.now().Truncate(5 * time.Minute).Add(5*time.Minute + 30*time.Second)
		if next.After(when) {
			next = when
		}
		p.quietly(func() { p.at(next, "") })
	}
}
