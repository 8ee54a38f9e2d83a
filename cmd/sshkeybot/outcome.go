package main

import (
	"fmt"
	"io"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// offboarding is the outcome of an offboarding, as the command prints it.
type offboarding struct {
	Request    int64           `json:"request"`
	Person     access.UserID   `json:"person"`
	Done       bool            `json:"done"`
	State      string          `json:"state"` // offboarded, undecided while candidates are left to decide about, or owed
	Reason     string          `json:"reason"`
	Halted     string          `json:"halted_since,omitempty"` // since when a target refuses the token
	Results    []resultLine    `json:"results"`
	Debt       []resultLine    `json:"debt"` // those of the results that are still open
	Candidates []candidateLine `json:"candidates"`
	Sessions   []sessionLine   `json:"sessions"`
	Unread     []string        `json:"sessions_unread"` // servers whose sessions could not be read
	manual     []string        // what is left to be done by hand
	removed    int             // keys, since this command was given
	before     int             // keys, before that: the command was repeated
	read       int             // servers
	accounts   int             // that were read
}

// resultLine is the result for one key on one server, or of reading a server.
type resultLine struct {
	ServerID    string             `json:"server_id,omitempty"` // the target's own; empty for a list of servers
	Server      string             `json:"server"`
	Phase       access.Phase       `json:"phase"`
	SystemUser  string             `json:"system_user,omitempty"`
	Fingerprint string             `json:"fingerprint,omitempty"`
	State       access.ResultState `json:"state"`
	Problem     access.Problem     `json:"problem,omitempty"`
	Detail      string             `json:"detail,omitempty"`
	target      string             // what people call the server's target
}

func (r resultLine) why() string { return why(r.target, r.Problem, r.Detail) }

// candidateLine is a key that may be the person's and that the bot did not place.
type candidateLine struct {
	ServerID   string `json:"server_id"`
	Server     string `json:"server"`
	Credential string `json:"credential"`
	Label      string `json:"label"`
	SystemUser string `json:"system_user"`
	Token      bool   `json:"token"`  // it is an API token, and no key
	Fixed      bool   `json:"fixed"`  // the bot never removes it, since it may be its own token
	Why        string `json:"why"`    // what speaks for it being the person's
	Picked     bool   `json:"picked"` // an approver chose to remove it
	Left       bool   `json:"left"`   // an approver chose to leave it
}

type sessionLine struct {
	ServerID   string `json:"server_id"`
	Server     string `json:"server"`
	SystemUser string `json:"system_user"`
	Address    string `json:"address"`
	Since      string `json:"since"`
}

// outcomeOf returns the outcome. Keys that were removed before since count as removed before
// this command.
func outcomeOf(v workflow.RequestView, halted string, since time.Time) offboarding {
	o := offboarding{
		Request: v.Request.ID, Person: v.Request.Person, Reason: v.Request.Reason, Halted: halted, State: "owed", manual: v.ManualSteps,
		Results: []resultLine{}, Debt: []resultLine{}, Candidates: []candidateLine{}, Sessions: []sessionLine{}, Unread: []string{},
	}
	switch settled := len(v.Results) > 0 && v.Settled(); {
	case settled && v.Undecided() == 0:
		o.State, o.Done = "offboarded", true
	case settled:
		o.State = "undecided"
	}
	for _, r := range v.Results {
		o.add(r, v.ExternalIDs[r.ServerID], since)
	}
	for _, c := range v.Candidates {
		o.Candidates = append(o.Candidates, candidateLine{
			ServerID: v.ExternalIDs[c.ServerID], Server: c.ServerName, Credential: c.Credential.ID, Label: c.Credential.Label,
			SystemUser: c.Credential.SystemUser, Token: c.Credential.Token, Fixed: c.Credential.Fixed, Why: string(c.Why), Picked: c.Decided() && !c.Spared, Left: c.Spared,
		})
	}
	for _, s := range v.Sessions {
		o.Sessions = append(o.Sessions, sessionLine{
			ServerID: v.ExternalIDs[s.Server.ID], Server: s.Server.Name, SystemUser: s.Session.SystemUser, Address: s.Session.Address, Since: s.Session.Since,
		})
	}
	for _, at := range v.SessionsUnread {
		o.Unread = append(o.Unread, at.Name)
	}
	return o
}

func (o *offboarding) add(r access.Result, serverID string, since time.Time) {
	line := resultLine{
		ServerID: serverID, Server: r.ServerName, Phase: r.Phase, SystemUser: r.SystemUser,
		Fingerprint: r.Fingerprint, State: r.State, Problem: r.Problem, Detail: r.Detail, target: r.TargetTitle,
	}
	o.Results = append(o.Results, line)
	switch {
	case !r.State.Final():
		o.Debt = append(o.Debt, line)
	case r.State != access.Done:
	case r.Phase == access.PhaseInspect && r.Account:
		o.accounts++
	case r.Phase == access.PhaseInspect:
		o.read++
	case r.Phase == access.PhaseRemove && r.UpdatedAt.Before(since.Truncate(time.Millisecond)):
		o.before++
	case r.Phase == access.PhaseRemove:
		o.removed++
	}
}

// print prints what was done, what is left to do, and what a person has to do.
func (o offboarding) print(out io.Writer) error {
	p := printer{out: out}
	switch o.State {
	case "offboarded":
		p.say("Offboarded %s (request %d): %s.", o.Person, o.Request, o.did())
	case "undecided":
		p.say("Not finished: %s (request %d) can get no access any more, %s. An approver has still to decide in Slack about what follows.", o.Person, o.Request, o.did())
	default:
		p.say("Not finished: %s (request %d) can get no access any more, %s, %d left to do. A running bot goes on by itself; repeat the command to follow.",
			o.Person, o.Request, o.did(), len(o.Debt))
	}
	for _, d := range o.Debt {
		what := "to be read"
		if d.Phase == access.PhaseRemove {
			what = d.Fingerprint + asUser(d.SystemUser)
		}
		p.say("  owed: %s, %s: %s", plain(d.Server), what, plain(d.why()))
	}
	lookalikes := 0
	for _, c := range o.Candidates {
		switch {
		case c.Picked || c.Left:
		case c.Why == string(access.WhyType):
			lookalikes++
		default:
			p.say("  %s", c)
		}
	}
	if lookalikes > 0 {
		p.say("  keys that merely begin like one of theirs, as every key of that type does, for an approver to remove or leave in Slack: %d", lookalikes)
	}
	for _, s := range o.Sessions {
		p.say("  open SSH session, which does not end by itself: %s, %s from %s since %s", plain(s.Server), plain(s.SystemUser), plain(s.Address), plain(s.Since))
	}
	for _, server := range o.Unread {
		p.say("  whether SSH sessions are open could not be read: %s", plain(server))
	}
	for _, r := range o.Results {
		if r.State == access.OutOfReach && r.Phase == access.PhaseInspect {
			p.say("To do by hand: %s was not looked at: %s", plain(r.Server), plain(r.why()))
		}
		if r.State == access.OutOfReach && r.Phase == access.PhaseRemove {
			p.say("To do by hand: %s, %s%s: %s", plain(r.Server), r.Fingerprint, asUser(r.SystemUser), plain(r.why()))
		}
	}
	for _, step := range o.manual {
		p.say("%s", plain(step))
	}
	return p.err
}

// did returns what was done since the command was given, and what was done before that.
func (o offboarding) did() string {
	text := counted(o.removed, "key") + " removed"
	if o.before > 0 {
		text += fmt.Sprintf(" (%d more before this command)", o.before)
	}
	text += ", " + counted(o.read, "server")
	if o.accounts > 0 {
		text += " and " + counted(o.accounts, "account")
	}
	return text + " read"
}

// String returns what an approver has to decide about.
func (c candidateLine) String() string {
	at := fmt.Sprintf("%s, credential %s «%s»", plain(c.Server), plain(c.Credential), plain(c.Label))
	switch {
	case c.Fixed:
		return "API token that may be my own, which I never remove: " + at
	case c.Token:
		return "API token that may be theirs, for an approver to remove or leave in Slack: " + at
	}
	return fmt.Sprintf("may be theirs (%s), for an approver to remove or leave in Slack: %s%s", c.because(), at, asUser(c.SystemUser))
}

// because returns what speaks for a key being the person's.
func (c candidateLine) because() string {
	switch access.Why(c.Why) {
	case access.WhyWhole:
		return "they had registered it, and not proved that it is theirs"
	case access.WhyUnregistered:
		return "nobody has registered it"
	case access.WhyLabel, access.WhyKey, access.WhyType, access.WhyOrphan, access.WhyToken, access.WhyListed, access.WhySince, access.WhyOwned, access.WhyBefore:
	}
	return "by its " + c.Why
}

// asUser names a system user; empty for none, as on an account.
func asUser(user string) string {
	if user == "" {
		return ""
	}
	return " as " + plain(user)
}

// printer prints lines until one fails, and keeps that error.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) say(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", args...)
	}
}
