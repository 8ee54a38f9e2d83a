package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sim/slacksim"
)

// mostReplies is how many posts the thread of a request takes at most on such a day: that it can be decided
// at last, what was placed, what was removed; or what came late from one server.
const mostReplies = 3

// evening shows the channel as it stands at the end of the day, and each direct message as it came:
// what an edit changed later rang nobody.
func (p *telling) evening() {
	p.scene("#ops in the evening, as Bob sees it")
	replies := p.slack.Replies(opsChannel)
	for _, m := range p.slack.Messages(opsChannel) {
		p.prints(p.looks(m, playBob))
		if n := replies[m.TS]; n > 0 {
			p.prints(fmt.Sprintf("(replies: %d)", n))
		}
		p.prints("")
	}
	for _, who := range players() {
		letters := p.lettersTo(who)
		if len(letters) == 0 {
			continue
		}
		p.scene("Direct messages to " + who.name)
		for _, m := range letters {
			p.prints(p.looks(asPosted(m), who))
			p.prints("")
		}
	}
}

// asPosted returns a message as it was before any edit.
func asPosted(m slacksim.Message) slacksim.Message {
	if len(m.Edits) > 0 {
		return m.Edits[0]
	}
	return m
}

// lettersTo returns the direct messages to a person.
func (p *telling) lettersTo(who player) []slacksim.Message {
	return slices.DeleteFunc(p.slack.DMs(who.id), func(m slacksim.Message) bool { return m.User == who.id })
}

func (p *telling) lastLetter(who player) slacksim.Message {
	all := p.lettersTo(who)
	return all[len(all)-1]
}

// counts shows how many messages each request took, and how often each person was rung. Edits do
// not count. It fails the test where there are more than there have to be.
func (p *telling) counts() {
	p.t.Helper()
	p.scene("How much that was")
	letters := map[int64]int{}
	for _, who := range players() {
		for _, m := range p.lettersTo(who) {
			letters[p.about(m)]++
		}
	}
	top, replies := p.slack.Messages(opsChannel), p.slack.Replies(opsChannel)
	asked := whatWasAsked()
	p.prints(fmt.Sprintf("%-45s %8s %7s %16s", "request", "channel", "thread", "direct messages"))
	var posts, inThreads, direct int
	for i, what := range asked {
		id := int64(i + 1)
		ours := slices.DeleteFunc(slices.Clone(top), func(m slacksim.Message) bool { return p.requestOf(m) != id })
		thread := 0
		for _, m := range ours {
			thread += replies[m.TS]
		}
		if len(ours) > 1 || thread > mostReplies {
			p.t.Errorf("request %d took %d posts in the channel, and %d in its thread", id, len(ours), thread)
		}
		posts, inThreads, direct = posts+len(ours), inThreads+thread, direct+letters[id]
		p.prints(fmt.Sprintf("%2d %-42s %8d %7d %16d", id, what, len(ours), thread, letters[id]))
	}
	p.prints(fmt.Sprintf("%-45s %8d %7d %16d", "all of them", posts, inThreads, direct))
	p.prints(fmt.Sprintf("%-45s %8d", "the daily summary", len(top)-posts))
	if others := len(top) - posts; others != 1 {
		p.t.Errorf("besides the requests, %d messages stand in the channel, not just the daily summary", others)
	}
	p.rings()
}

// calls matches the line of a message that asks people to decide.
var calls = regexp.MustCompile(`(?m)^(<@\w+> ?)+: `)

// rings shows how often each person was rung: by a mention in the channel or in a thread, because they
// are asked to decide or are only named, or by a direct message.
func (p *telling) rings() {
	p.prints("")
	p.prints(fmt.Sprintf("%-12s %16s %12s %16s %7s", "who was rung", "asked to decide", "only named", "direct messages", "in all"))
	for _, who := range players() {
		asked, named, letters := 0, 0, len(p.lettersTo(who))
		for _, parent := range p.slack.Messages(opsChannel) {
			for _, m := range p.slack.Thread(opsChannel, parent.TS) {
				switch mention := "<@" + who.id + ">"; {
				case strings.Contains(calls.FindString(asPosted(m).Text), mention):
					asked++
				case slices.Contains(asPosted(m).Mentions(), mention):
					named++
				}
			}
		}
		p.prints(fmt.Sprintf("%-12s %16d %12d %16d %7d", who.name, asked, named, letters, asked+named+letters))
	}
}

var numberInText = regexp.MustCompile(`\b[Rr]equest (\d+)\b`)

// about returns the number of the request that a direct message is about.
func (p *telling) about(m slacksim.Message) int64 {
	p.t.Helper()
	if id := p.requestOf(m); id != 0 {
		return id
	}
	named := numberInText.FindStringSubmatch(asPosted(m).Text)
	if named == nil {
		p.t.Fatalf("a direct message is about no request: %s", m.Text)
	}
	id, err := strconv.ParseInt(named[1], 10, 64)
	p.must(err)
	return id
}

// requestOf returns the number of the request that a message is kept up to date for; 0 where it is
// for none.
func (p *telling) requestOf(m slacksim.Message) (found int64) {
	p.t.Helper()
	p.must(p.app.Store.Outbox().Read(p.t.Context(), func(tx delivery.Tx) error {
		for i := range whatWasAsked() {
			kept, err := tx.Messages(p.t.Context(), int64(i+1))
			if err != nil {
				return err
			}
			if slices.ContainsFunc(kept, func(k delivery.Message) bool { return k.Channel == m.Channel && k.TS == m.TS }) {
				found = int64(i + 1)
			}
		}
		return nil
	}))
	return found
}
