package play

import (
	"cmp"
	"slices"

	"sshkeybot/internal/sim/slacksim"
)

// The places that are no channels: the direct messages with the bot, and its Home tab.
const (
	placeDM   = "dm"
	placeHome = "home"
)

// viewpoint is who looks at Slack, and where.
type viewpoint struct {
	As     string `json:"as"`     // user ID
	Place  string `json:"place"`  // a channel, placeDM or placeHome
	Thread string `json:"thread"` // ts of the message whose thread is open; empty for none
}

// corrected returns the viewpoint with what is there in place of what is not.
func (v viewpoint) corrected() viewpoint {
	if _, ok := playerWith(v.As); !ok {
		v.As = Alice
	}
	if !slices.ContainsFunc(roomsOf(v.As), func(p room) bool { return p.ID == v.Place }) {
		v.Place = Ops
	}
	return v
}

// room is somewhere in Slack.
type room struct {
	ID    string
	Label string
	About string
}

// roomsOf returns where a person can go.
func roomsOf(person string) []room {
	all := []room{{Ops, "#ops", "requests and their results"}}
	if person != Gus {
		all = append(all, room{Security, "#security", "who has left"})
	}
	return append(all, room{placeDM, "sshkeybot", "direct messages"}, room{placeHome, "App Home", "the bot's own page"})
}

// channel returns the ID of the channel of a place for a person; that of the direct messages for their Home.
func (g *game) channel(v viewpoint) string {
	if v.Place == placeDM || v.Place == placeHome {
		return g.Slack.DM(v.As)
	}
	return v.Place
}

// shown are the messages in a place that a person sees, oldest first, with those that only they see.
func (g *game) shown(v viewpoint) []slacksim.Message {
	channel := g.channel(v)
	all := g.Slack.Messages(channel)
	for _, m := range g.Slack.Ephemeral(v.As) {
		if m.Channel == channel && m.ThreadTS == "" {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b slacksim.Message) int { return cmp.Compare(a.TS, b.TS) })
	return all
}

// see notes that a person has seen a place.
func (g *game) see(v viewpoint) {
	if v.Place == placeHome {
		return
	}
	if all := g.shown(v); len(all) > 0 {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.seen[seenBy{v.As, v.Place}] = all[len(all)-1].TS
	}
}

// unseen counts the messages in a place that a person has not seen.
func (g *game) unseen(v viewpoint) int {
	if v.Place == placeHome {
		return 0
	}
	g.mu.Lock()
	last := g.seen[seenBy{v.As, v.Place}]
	g.mu.Unlock()
	return g.Slack.Unread(v.As, g.channel(v), last)
}

func (v viewpoint) viewer() slacksim.Viewer { return slacksim.Viewer{TZ: zoneOf(v.As), User: v.As} }

// thread returns the message of the open thread and its replies, those that only the viewer sees included.
func (g *game) thread(v viewpoint) []slacksim.Message {
	if v.Thread == "" {
		return nil
	}
	channel := g.channel(v)
	all := g.Slack.Thread(channel, v.Thread)
	for _, m := range g.Slack.Ephemeral(v.As) {
		if m.Channel == channel && m.ThreadTS == v.Thread {
			all = append(all, m)
		}
	}
	return all
}
