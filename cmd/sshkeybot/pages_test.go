package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

// pages turns the pages of what a command shows to a person alone, and returns what each shows.
func (r *rig) pages(user, text string) (all []string) {
	r.t.Helper()
	r.Types(user, text)
	return r.turned(user)
}

// turned turns the pages from the one that a person alone was shown last.
func (r *rig) turned(user string) (all []string) {
	r.t.Helper()
	for {
		private := r.private(user)
		last := private[len(private)-1]
		all = append(all, r.slack.Render(last, slacksim.Viewer{TZ: time.UTC, Width: 400}))
		if !slices.ContainsFunc(last.Buttons(), func(b slacksim.Button) bool { return b.Label == "Next page" }) {
			return all
		}
		r.PressPrivate(user, "Next page")
	}
}

var requestNamed = regexp.MustCompile(`Request (\d+)`)

// Thirty requests wait on forty servers: each list leads to all of it, and to each entry once.
func TestListsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database, servers: 40, unpaced: true})
		var asked []string
		for _, user := range []string{alice, dave, erin} {
			r.Register(user)
			for n := range 10 {
				asked = append(asked, fmt.Sprintf("Request %d", r.Ask(user, fmt.Sprintf("grant <@%s> %dm", user, 30+n))))
			}
		}
		slices.Sort(asked)
		for command, places := range map[string][]string{
			"list":    {"1–20 of 30", "21–30 of 30"},
			"pending": {"1–8 of 30", "9–16 of 30", "17–24 of 30", "25–30 of 30"},
		} {
			pages := r.pages(bob, command)
			shown := requestNamed.FindAllString(strings.Join(pages, "\n"), -1)
			if slices.Sort(shown); !slices.Equal(shown, asked) || len(pages) != len(places) {
				t.Errorf("%s: %d pages show %v", command, len(pages), shown)
			}
			for i, place := range places[:min(len(places), len(pages))] {
				r.says(pages[i], place)
			}
		}
		pages := r.pages(bob, "servers")
		r.says(pages[0], "1–30 of 40")
		for _, server := range r.servers {
			if n := strings.Count(strings.Join(pages, "\n"), r.nameOf(server)+"` #"); n != 1 {
				t.Errorf("%s is shown %d times", r.nameOf(server), n)
			}
		}
		r.says(r.pages(alice, "list")[0], "Waiting: 10 requests")
	})
}
