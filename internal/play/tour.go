package play

import (
	"context"
	"slices"

	"sshkeybot/internal/access"
)

// progress is how far somebody has come on the tour, by the ledger.
type progress struct {
	asked, approved, ended, left bool
}

// read follows the first request of Alice's after that one.
func (p *progress) read(ctx context.Context, tx access.Tx, after int64) error {
	requests, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindGrant}, Person: Alice, After: after})
	if err != nil {
		return err
	}
	alice, err := tx.Person(ctx, Alice)
	if err != nil {
		return err
	}
	p.asked = len(requests) > 0
	p.left = alice.Offboarded()
	for _, r := range requests {
		if r.State != access.Approved {
			continue
		}
		p.approved = true
		grants, err := tx.Grants(ctx, access.GrantQuery{RequestID: r.ID})
		if err != nil {
			return err
		}
		p.ended = p.ended || slices.ContainsFunc(grants, func(g access.Grant) bool { return g.EndReason == access.EndExpired })
	}
	if !p.left {
		return nil
	}
	still, err := tx.Placements(ctx, access.PlacementQuery{Person: Alice, States: []access.PlacementState{
		access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving,
	}})
	p.left = len(still) == 0
	return err
}

// step is one step of the tour.
type step struct {
	Title   string
	Watch   string
	Buttons []stepButton
	Done    bool
	Now     bool // it is the first that is not done
}

// stepButton is a button of the tour: it leads to a place, types a text that one only has to send, or moves a switch.
type stepButton struct {
	Label  string `json:"-"`
	As     string `json:"as,omitempty"`
	Place  string `json:"place,omitempty"`
	Type   string `json:"type,omitempty"`
	Act    string `json:"act,omitempty"`
	Name   string `json:"name,omitempty"`
	Server int64  `json:"server,omitempty"`
	On     bool   `json:"on"`
	By     string `json:"by,omitempty"`
}

// tour returns the steps, with what is done of them.
func (g *game) tour(t truth) []step {
	g.mu.Lock()
	broken, healed := len(g.broken) > 0, g.healed
	g.mu.Unlock()
	p, first := t.said.tour, t.tiles[0]
	// A quarter of an hour later, the bot has read anew which servers are there.
	third := stepButton{Label: "Take " + first.Name + " offline (+15 min)", Act: "trouble", Server: first.ID, Name: offline, By: "quarter"}
	if first.Trouble != inOrder {
		third = stepButton{Label: "Put " + first.Name + " in order (+15 min)", Act: "trouble", Server: first.ID, Name: inOrder, By: "quarter"}
	}
	steps := []step{
		{
			Title: "Ask as Alice", Watch: "Send the command that is typed for you: only Alice sees the answer, and the request stands in #ops.", Done: p.asked,
			Buttons: []stepButton{{Label: "Be Alice", As: Alice, Place: Ops, Type: "/sshkey grant @alice 12h for the release of 4.2"}},
		},
		{
			Title: "Approve as Bob", Watch: "Press Approve on the request: her key appears on every server, where the command shown there logs in.", Done: p.approved,
			Buttons: []stepButton{{Label: "Be Bob", As: Bob, Place: Ops}},
		},
		{
			Title: "Break a server, and see it heal", Watch: "Take a server offline, then ask as Dave and approve as Carol: the thread says what is waited for. Put it in order, and the bot goes on by itself.", Done: broken && healed,
			Buttons: []stepButton{third, {Label: "Be Dave", As: Dave, Place: Ops, Type: "/sshkey grant @dave 12h for the night shift"}, {Label: "Be Carol", As: Carol, Place: Ops}},
		},
		{
			Title: "Jump to the end", Watch: "Move the clock to the end of their access: the keys go by themselves, and the request says so.", Done: p.ended,
			Buttons: []stepButton{{Label: "Jump to the end", As: Alice, Place: Ops, Act: "clock", By: "end"}},
		},
		{
			Title: "Deactivate Alice", Watch: "Close her Slack account: what she still has (Scalingo, for a week) goes everywhere, and #security is told.", Done: p.left,
			Buttons: []stepButton{{Label: "Deactivate Alice", As: Bob, Place: Security, Act: "toggle", Name: Alice}},
		},
	}
	for i := range steps {
		if !steps[i].Done {
			steps[i].Now = true
			break
		}
	}
	return steps
}

func (g *game) drawTour(d *drawing, t truth) {
	for i, s := range g.tour(t) {
		d.part("tour", s.Title, "step", map[string]any{"Step": s, "Number": i + 1})
	}
}
