package play

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

// The five steps tick themselves, and none before it is done.
func TestTour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGame(t, played(3))
		done := func(want int) {
			t.Helper()
			g.until("so many steps are done", func(now truth) bool {
				ticks := ""
				for _, s := range g.tour(now) {
					if s.Done {
						ticks += "x"
					} else {
						ticks += "-"
					}
				}
				return ticks == strings.Repeat("x", want)+strings.Repeat("-", 5-want)
			})
		}
		done(0)
		for step := range 5 {
			now, err := g.truth(t.Context())
			g.must(err)
			for _, button := range g.tour(now)[step].Buttons {
				g.follows(button, step+2)
			}
			if step == 2 {
				g.until("the thread waits", func(now truth) bool { return now.found == 5 })
				done(2)
				now, err := g.truth(t.Context())
				g.must(err)
				g.follows(g.tour(now)[2].Buttons[0], 0)
			}
			done(step + 1)
			if step == 1 {
				g.until("her key is everywhere", func(now truth) bool { return now.found == 3 })
			}
		}
		g.until("the thread of her request tells of it", func(truth) bool { return g.Slack.Replies(Ops)[g.request(2).TS] > 0 })
		g.drawsEverything()
	})
}

// follows does what a button of the tour leads to, and approves that request where it leads to an approver.
func (r *rig) follows(n stepButton, request int) {
	r.t.Helper()
	p := &Page{keys: newKeyring(), changed: r.changed}
	if n.Act != "" {
		_, err := acts[n.Act](p, r.t.Context(), r.game, call{Act: n.Act, Name: n.Name, Server: n.Server, By: n.By, On: n.On})
		r.must(err)
	}
	switch {
	case n.Type != "":
		r.types(n.As, strings.TrimPrefix(n.Type, "/sshkey "))
	case n.As == Bob && n.Place == Ops:
		r.presses(n.As, r.request(request-1), "Approve")
	case n.As == Carol:
		r.presses(n.As, r.request(request-1), "Approve")
	}
}

// drawsEverything draws the page for everybody, everywhere, with a form open.
func (r *rig) drawsEverything() {
	r.t.Helper()
	now, err := r.truth(r.t.Context())
	r.must(err)
	r.types(Dave, "grant")
	for _, p := range players() {
		if p.ID != Alice { // who is gone
			_, err := r.Slack.OpenHome(r.t.Context(), p.ID)
			r.must(err)
		}
		for _, place := range roomsOf(p.ID) {
			at := viewpoint{As: p.ID, Place: place.ID}
			if place.ID == Ops {
				at.Thread = r.request(2).TS
			}
			s, err := r.draw(at, now)
			r.must(err)
			for region, items := range s {
				for _, i := range items {
					if strings.Contains(string(i.HTML), `class="unknown"`) || strings.Contains(string(i.HTML), "ZgotmplZ") {
						r.t.Errorf("%s in %s: %s is drawn as %s", p.Name, place.ID, region, i.HTML)
					}
				}
			}
			if place.ID == Ops && (len(s["messages"]) < 2 || len(s["thread"]) < 2) || len(s["modal"]) > 0 != (p.ID == Dave) {
				r.t.Errorf("%s in %s: %d messages, %d in the thread, %d forms", p.Name, place.ID, len(s["messages"]), len(s["thread"]), len(s["modal"]))
			}
		}
	}
	s, err := r.draw(viewpoint{As: Dave, Place: Ops}, now)
	r.must(err)
	if len(s["modal"]) != 1 || len(s["thread"]) != 0 {
		r.t.Errorf("without a thread: %d forms, %d messages in the thread", len(s["modal"]), len(s["thread"]))
	}
}

// A key that has to go from one server is told of that server alone.
func TestPartOfAGrantEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGame(t, played(2))
		g.types(Dave, "grant @dave 2h")
		g.presses(Carol, g.request(2), "Approve")
		g.until("both have it", func(now truth) bool { return now.found == 2 && len(now.said.unsettled) == 0 })
		g.setTrouble(g.RunCloud.Servers()[0].ID, offline)
		g.types(Dave, "revoke @dave on web-01")
		g.presses(Carol, g.request(3), "Approve")
		g.until("one of them has to lose it", func(now truth) bool { return len(now.said.unsettled) > 0 })
		now, err := g.truth(t.Context())
		g.must(err)
		if going, staying := now.tiles[0].Keys[1], now.tiles[1].Keys[0]; !going.Leaving || staying.Leaving || staying.Until.IsZero() {
			t.Errorf("on web-01 %+v, on db-01 %+v", going, staying)
		}
	})
}

// What is switched off, and on again, leaves nothing behind.
func TestToggles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGame(t, played(3))
		p := &Page{keys: newKeyring(), changed: g.changed}
		for i, name := range []string{toggleSlack, toggleToken, toggleScalingo, toggleBot} {
			g.types(Dave, "grant @dave 2h")
			request := g.request(2 + i)
			g.presses(Bob, request, "Approve")
			for _, on := range []bool{false, true} {
				_, err := p.toggle(t.Context(), g.game, call{Name: name, On: on})
				g.must(err)
				for _, toggle := range g.toggles() {
					if want := on || toggle.Name != name; toggle.On != want {
						t.Errorf("%s switched to %v: %s is %v", name, on, toggle.Name, toggle.On)
					}
				}
				if !on {
					pause(t.Context(), 10*time.Second)
				}
			}
			g.until("all have it, "+name, func(now truth) bool {
				return now.found == 3 && now.said.placed[onRunCloud] == 3 && len(now.said.unsettled) == 0
			})
			g.Clock.Move(3 * time.Hour)
			g.until("none has it, "+name, func(now truth) bool { return now.found == 0 && len(now.said.unsettled) == 0 })
		}
		_, err := p.cut(t.Context(), g.game, call{})
		g.must(err)
		g.until("it is connected again", func(truth) bool { return g.Slack.Sockets() > 0 })
	})
}

// A file that the bot uploads is drawn with what is in it, in the thread where its reader finds it.
func TestFilePreview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGame(t, played(1))
		g.types(Bob, "log")
		answers := g.Slack.Ephemeral(Bob)
		only := answers[len(answers)-1]
		g.must(outcome(g.Slack.ClickEphemeral(t.Context(), Bob, only.TS, slacksim.Pick{Label: "Whole log as a file"})))
		g.until("the file is drawn", func(now truth) bool {
			drawn := ""
			for _, m := range g.Slack.DMs(Bob) {
				s, err := g.draw(viewpoint{As: Bob, Place: placeDM, Thread: m.TS}, now)
				g.must(err)
				for _, i := range s["thread"] {
					drawn += string(i.HTML)
				}
			}
			return strings.Contains(drawn, `<details class="file">`) && strings.Contains(drawn, "U0CAROL approved request 1.")
		})
	})
}

// The page shows with which key Octopus Deploy logs in.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGame(t, played(1))
		drawn := func(words string) func(truth) bool {
			return func(now truth) bool {
				s, err := g.draw(viewpoint{As: Bob, Place: Ops}, now)
				g.must(err)
				return strings.Contains(string(s["accounts"][1].HTML), words)
			}
		}
		g.until("the key of before is told", drawn("somebody placed by hand"))
		g.types(Bob, "rotate "+Deployments)
		g.presses(Carol, g.request(2), "Approve")
		g.until("the new key is told", drawn("SHA256:"))
		g.until("it is on the server", func(now truth) bool {
			return now.found == 1 && now.tiles[0].Keys[1].Owner == "the account "+Deployments
		})
	})
}

// The clock goes to what comes next, and says so where nothing does.
func TestMoveClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGame(t, played(1))
		p := &Page{keys: newKeyring(), changed: g.changed}
		move := func(by string) error {
			_, err := p.moveClock(t.Context(), g.game, call{By: by})
			return err
		}
		g.types(Dave, "grant @dave 2h")
		g.presses(Bob, g.request(2), "Approve")
		g.until("it is there", func(now truth) bool { return now.found == 1 })
		began := g.Clock.Now()
		g.must(move("reminder"))
		if passed := g.Clock.Now().Sub(began); passed < 100*time.Minute || passed > 106*time.Minute {
			t.Errorf("the reminder comes after %s", passed)
		}
		g.until("he is reminded", func(truth) bool {
			for _, m := range g.Slack.DMs(Dave) {
				if strings.Contains(m.Text, "ends") {
					return true
				}
			}
			return false
		})
		g.must(move("quarter"))
		g.until("it is gone", func(now truth) bool { return now.found == 0 })
		g.must(move("day"))
		g.must(move("end")) // of Scalingo
		g.until("all is gone", func(now truth) bool { return len(now.account) == 0 && now.said.end.IsZero() })
		for _, by := range []string{"end", "reminder"} {
			if err := move(by); err == nil || !strings.Contains(err.Error(), by) {
				t.Errorf("to the %s: %v", by, err)
			}
		}
		if read := g.Clock.Read(); read.Up < 7*24*time.Hour {
			t.Errorf("the steady clock shows %s", read.Up)
		}
	})
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	servers := []string{"web-01", "web-02", "db-01"}
	for text, want := range map[string]string{
		"":                                 "",
		"hello":                            "",
		"/":                                "/sshkey",
		"/ss":                              "/sshkey",
		"/remind ":                         "",
		"/sshkey gr":                       "grant",
		"/sshkey re":                       "register revoke reinstate",
		"/sshkey grant ":                   "@alice @bob @carol @dave @gus",
		"/sshkey grant @c":                 "@carol",
		"/sshkey grant @alice ":            "2h 12h 3d 7d",
		"/sshkey grant @alice 12h ":        "on as for",
		"/sshkey grant @alice 12h on w":    "web-01 web-02",
		"/sshkey grant @alice 12h on x ":   "as for",
		"/sshkey grant @alice 12h for on ": "",
		"/sshkey servers d":                "db-01",
		"/sshkey revoke @alice ":           "on for",
		"/sshkey nonsense ":                "",
	} {
		var labels []string
		for _, s := range suggest(text, servers) {
			labels = append(labels, s.Label)
			if !strings.HasSuffix(s.Text, s.Label+" ") || s.About == "" {
				t.Errorf("%q: %+v", text, s)
			}
		}
		if got := strings.Join(labels, " "); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
