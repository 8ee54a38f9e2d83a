package play

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"time"
)

// item is a part of the page that is drawn anew on its own.
type item struct {
	Key  string
	HTML template.HTML
}

// screen is everything that changes on the page, by region.
type screen map[string][]item

// draw draws the page from a viewpoint.
func (g *game) draw(v viewpoint, t truth) (screen, error) {
	d := drawing{at: v, zone: v.viewer().TZ, now: g.Clock.Now(), screen: screen{}}
	g.drawPeople(&d)
	g.drawSlack(&d)
	g.drawTruth(&d, t)
	g.drawTour(&d, t)
	return d.screen, d.err
}

// drawing is a screen being drawn. Its err is the first that occurred.
type drawing struct {
	at     viewpoint
	zone   *time.Location
	now    time.Time
	screen screen
	err    error
}

func (d *drawing) add(region, key string, html template.HTML) {
	d.screen[region] = append(d.screen[region], item{key, html})
}

// part adds a part that a template draws.
func (d *drawing) part(region, key, name string, data any) {
	html, err := render(name, data)
	d.err = cmp.Or(d.err, err)
	d.add(region, key, html)
}

func (g *game) drawPeople(d *drawing) {
	for _, p := range players() {
		unseen := 0
		for _, place := range roomsOf(p.ID) {
			unseen += g.unseen(viewpoint{As: p.ID, Place: place.ID})
		}
		d.part("people", p.ID, "person", map[string]any{
			"Person": p, "Here": p.ID == d.at.As, "Unseen": unseen, "Left": !g.in(p.ID), "Time": d.now.In(zoneOf(p.ID)).Format("15:04"),
		})
	}
	for _, p := range roomsOf(d.at.As) {
		d.part("places", p.ID, "place", map[string]any{"Place": p, "Here": p.ID == d.at.Place, "Unseen": g.unseen(viewpoint{As: d.at.As, Place: p.ID})})
	}
}

func (g *game) drawSlack(d *drawing) {
	here := slices.IndexFunc(roomsOf(d.at.As), func(p room) bool { return p.ID == d.at.Place })
	d.part("title", "title", "title", map[string]any{
		"Place": roomsOf(d.at.As)[here], "Name": nameOf(d.at.As), "Home": d.at.Place == placeHome,
		"Away": g.isOff(toggleSlack), "Dead": !g.Running(), "Deaf": g.Slack.Sockets() == 0,
	})
	viewer := d.at.viewer()
	if d.at.Place == placeHome {
		home, there := g.Slack.Home(d.at.As)
		d.part("messages", "home", "home", map[string]any{"There": there, "HTML": g.Slack.ViewHTML(home, viewer)})
	} else {
		day, replies := "", g.Slack.Replies(g.channel(d.at))
		for _, m := range g.shown(d.at) {
			if posted := m.Posted().In(d.zone).Format("Monday, 2 January"); posted != day {
				day = posted
				d.part("messages", day, "day", day)
			}
			d.part("messages", m.TS+m.To, "message", map[string]any{"HTML": g.Slack.HTML(m, viewer), "TS": m.TS, "Replies": replies[m.TS], "Open": m.TS == d.at.Thread})
		}
	}
	for _, m := range g.thread(d.at) {
		d.add("thread", m.TS+m.To, g.Slack.HTML(m, viewer))
	}
	for _, s := range shortcuts {
		d.part("shortcuts", s.CallbackID, "shortcut", s)
	}
	for _, v := range g.Slack.Modals(d.at.As) {
		d.part("modal", v.ID, "modal", map[string]any{
			"ID": v.ID, "Title": v.Title(), "Submit": v.SubmitLabel(), "Close": v.CloseLabel(), "HTML": g.Slack.ViewHTML(v, viewer),
		})
	}
}

func (g *game) drawTruth(d *drawing, t truth) {
	settling := slices.ContainsFunc(t.tiles, func(s tile) bool { return s.Unsettled })
	d.part("count", "count", "count", map[string]any{
		"Said": t.said.placed[onRunCloud], "Found": t.found, "Settling": settling,
	})
	for _, on := range g.toggles() {
		d.part("toggles", on.Name, "toggle", on)
	}
	d.part("clock", "clock", "clock", map[string]any{
		"Now": d.now.In(d.zone).Format("Monday, 2 January, 15:04"), "Zone": d.zone.String(), "Ahead": ahead(g.Clock.Ahead()),
		"Reminder": d.when(t.said.reminder), "End": d.when(t.said.end),
	})
	names := map[string]string{}
	for _, kind := range troubles() {
		names[kind.Name] = kind.Label
	}
	for _, s := range t.tiles {
		d.part("tiles", strconv.FormatInt(s.ID, 10), "tile", map[string]any{
			"Tile": s, "Keys": d.lines(s.Keys), "Troubles": troubles(), "Trouble": names[s.Trouble], "Commands": g.commands(s.Name),
		})
	}
	d.part("accounts", onScalingo, "scalingo", map[string]any{
		"Keys": d.lines(t.account), "Tokens": t.tokens, "Said": t.said.placed[onScalingo], "Found": t.elsewhere,
	})
	d.part("accounts", "octopus", "octopus", map[string]any{"Account": Deployments, "Server": t.tiles[0].Name, "Key": g.deploysWith()})
	d.part("calls", "calls", "calls", map[string]any{
		"RunCloud": g.RunCloud.Count(""), "Scalingo": g.Scalingo.Count(""), "Octopus": g.Octopus.Count(""), "Slack": len(g.Slack.Calls()),
	})
	d.part("sizes", "sizes", "sizes", len(t.tiles))
}

// commands returns what to type to log in to a server, by person.
func (g *game) commands(server string) map[string]string {
	commands := map[string]string{}
	for person, login := range g.logins {
		commands[nameOf(person)] = login.Command(server)
	}
	return commands
}

// keyLine is a key as the page shows it.
type keyLine struct {
	foundKey
	When string
}

func (d *drawing) lines(keys []foundKey) []keyLine {
	lines := make([]keyLine, len(keys))
	for i, k := range keys {
		lines[i] = keyLine{k, d.when(k.Until)}
	}
	return lines
}

// when returns a time as the viewer reads it; empty for the zero time.
func (d *drawing) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t, now := t.In(d.zone), d.now.In(d.zone)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return "today " + t.Format("15:04")
	}
	return t.Format("Mon 2 Jan 15:04")
}

// ahead says how far the clock was moved; empty if it was not.
func ahead(d time.Duration) string {
	if d == 0 {
		return ""
	}
	d = d.Round(time.Minute)
	days, hours, minutes := d/(24*time.Hour), d%(24*time.Hour)/time.Hour, d%time.Hour/time.Minute
	text := ""
	for _, unit := range []struct {
		n    time.Duration
		name string
	}{{days, "d"}, {hours, "h"}, {minutes, "min"}} {
		if unit.n > 0 {
			text += fmt.Sprintf(" %d %s", int64(unit.n), unit.name)
		}
	}
	return text
}
