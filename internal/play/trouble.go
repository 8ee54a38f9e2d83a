package play

import (
	"slices"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
)

// trouble is a state in which a server can be.
type trouble struct {
	Name  string
	Label string
	rule  runcloudsim.FaultRule // what becomes of calls, but in order and offline
}

const (
	inOrder = "none"
	offline = "offline"
)

// troubles returns what a server can be switched to, first that it is in order.
func troubles() []trouble {
	return []trouble{
		{Name: inOrder, Label: "in order"},
		{Name: offline, Label: "offline"},
		{"refuses", "403: refuses every change", runcloudsim.FaultRule{Kind: runcloudsim.FaultStatus, Status: 403, Message: "This action is unauthorized."}},
		{"fails", "502, once", runcloudsim.FaultRule{Kind: runcloudsim.FaultHTML, Status: 502, Times: 1}},
		{"silent", "does it, and the answer is lost, once", runcloudsim.FaultRule{Kind: runcloudsim.FaultDrop, After: true, Times: 1}},
		{"busy", "429: too many calls, once", runcloudsim.FaultRule{Kind: runcloudsim.FaultTooMany, RetryAfter: 3 * time.Second, Times: 1}},
	}
}

// troubled returns the name of the trouble of every server that has one, by its id.
func (w *World) troubled() map[int64]string {
	found := map[int64]string{}
	for _, rule := range w.RunCloud.Faults() {
		server := rule.Server
		rule.Server, rule.Op = 0, runcloudsim.OpAny // which setTrouble has set
		for _, t := range troubles() {
			if t.rule == rule {
				found[server] = t.Name
			}
		}
	}
	for _, s := range w.RunCloud.Servers() {
		if s.Offline {
			found[s.ID] = offline
		}
	}
	return found
}

// setTrouble gives a server that trouble instead of the one that it has. It reports whether both are known.
func (w *World) setTrouble(server int64, name string) bool {
	for _, t := range troubles() {
		if t.Name != name || !w.RunCloud.SetOnline(server, name != offline) {
			continue
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if cure := w.cures[server]; cure != nil {
			cure()
			delete(w.cures, server)
		}
		if name != inOrder && name != offline {
			t.rule.Server, t.rule.Op = server, runcloudsim.OpChange
			w.cures[server] = w.RunCloud.Fault(t.rule)
		}
		return true
	}
	return false
}

// toggle is something of the whole world that can be switched off.
type toggle struct {
	Name  string
	Label string
	Off   string // what it means to switch it off
	On    bool   // as it should be
}

// The names of the toggles. Those of people are their user IDs.
const (
	toggleBot      = "bot"
	toggleSlack    = "slack"
	toggleToken    = "token"
	toggleScalingo = "scalingo"
)

func (w *World) toggles() []toggle {
	runs := w.Running()
	w.mu.Lock()
	defer w.mu.Unlock()
	all := []toggle{
		{toggleBot, "The bot runs", "off: killed, as with kill -9", runs},
		{toggleSlack, "Slack is there", "off: it answers everything with 503", !w.off[toggleSlack]},
		{toggleToken, "RunCloud takes the token", "off: as after «Regenerate» in its dashboard", !w.off[toggleToken]},
		{toggleScalingo, "Scalingo is there", "off: it cannot be reached", !w.off[toggleScalingo]},
	}
	for _, u := range w.Slack.Users() {
		if !u.IsBot {
			all = append(all, toggle{u.ID, u.RealName + " has a Slack account", "", !u.Deleted})
		}
	}
	return all
}

// in reports whether a person has a Slack account that is not deactivated.
func (w *World) in(person string) bool {
	return slices.ContainsFunc(w.Slack.Users(), func(u slacksim.User) bool { return u.ID == person && !u.Deleted })
}

// turn switches Slack, the token of RunCloud or Scalingo.
func (w *World) turn(name string, on bool) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch name {
	case toggleSlack:
		kind := slacksim.Unavailable
		if on {
			kind = slacksim.Up
		}
		err = w.Slack.Outage(kind)
	case toggleToken:
		token := "another-token"
		if on {
			token = runcloudsim.DefaultToken
		}
		w.RunCloud.SetToken(token)
	case toggleScalingo:
		w.Scalingo.SetOffline(!on)
	}
	w.off[name] = !on
	return err
}

// isOff reports whether one of the toggles but the bot is switched off.
func (w *World) isOff(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.off[name]
}
