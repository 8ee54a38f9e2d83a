package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

const (
	alice = access.UserID("U0ALICE")
	bob   = access.UserID("U0BOB")
	carol = access.UserID("U0CAROL")
)

func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// world is one variant of everything there is to draw: how much of it, and what strangers wrote.
type world struct {
	n       int
	foreign func(string) string
}

func small() world { return world{3, func(s string) string { return s }} }
func big() world   { return world{500, func(s string) string { return s }} }

const ticketURL = "https://tickets.example.com/browse?id=%s&x"

const attack = "<!channel> <!here|x> <@U0EVIL> <!subteam^S0EVIL> <https://evil.example|Click me> &lt;!everyone&gt; *bold* _it_ ~s~ `code` ```b``` :white_check_mark:\n> quote\r\n*Approved* by <@U0BOB>\u2028\u202egnp\u0000\xff @channel https://evil.example "

func hostile() world {
	return world{12, func(s string) string { return attack + s + strings.Repeat(" & <a|b>", 600) }}
}

// said is the reason that somebody gave, in which a whole address may be a link.
func (w world) said(s string) string {
	return strings.ReplaceAll(w.foreign(s), "https://evil.example", "https://reason.example")
}

func (w world) refs() []access.ServerRef {
	refs := make([]access.ServerRef, w.n)
	for i := range refs {
		refs[i] = access.ServerRef{ID: int64(100 + i), ExternalID: strconv.Itoa(100 + i), Name: w.foreign(fmt.Sprintf("web-%03d", i+1))}
	}
	return refs
}

func (w world) keys() []access.Key {
	n := min(10, max(1, w.n/10)) // nobody has more
	keys := make([]access.Key, n)
	for i := range keys {
		keys[i] = access.Key{
			Fingerprint: fingerprint(i), Person: bob, Type: "ssh-ed25519", Note: w.foreign("bob's laptop"), RegisteredAt: noon().Add(-72 * time.Hour),
		}
	}
	return keys
}

func fingerprint(i int) string {
	return fmt.Sprintf("SHA256:%04dnThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E", i)[:50]
}

func (w world) request(kind access.RequestKind, state access.RequestState) workflow.RequestView {
	r := access.Request{
		ID: 12, Kind: kind, State: state, Asker: alice, Person: bob, SystemUser: "runcloud", Duration: 12 * time.Hour,
		Reason: w.said("Fix the checkout, ticket 4711"), Channel: "C0OPS", CreatedAt: noon(), ExpiresAt: noon().Add(8 * time.Hour),
	}
	v := workflow.RequestView{
		Request: r, Servers: w.refs(), Keys: w.keys(), Needed: 1, Deciders: []string{"U0CAROL", "S0OPS", "<!channel>"}, TicketURL: ticketURL,
	}
	v.ExternalIDs = map[int64]string{}
	for _, ref := range v.Servers {
		v.ExternalIDs[ref.ID] = ref.ExternalID
	}
	switch state {
	case access.Approved:
		v.Approvals = []access.Approval{{RequestID: 12, Approver: carol, Verdict: access.Approve, At: noon().Add(time.Minute)}}
		v.Request.DecidedAt, v.Request.DecidedBy = noon().Add(time.Minute), carol
	case access.Denied, access.Cancelled:
		v.Request.DecidedAt, v.Request.DecidedBy, v.Request.Note = noon().Add(time.Minute), carol, w.said("Please use staging first: https://staging.example.com/?a=1&b=2.")
	case access.Expired:
		v.Request.DecidedAt = noon().Add(8 * time.Hour)
	case access.WaitingForKey:
		v.Keys = nil
	}
	return v
}

func grant() access.Grant {
	return access.Grant{ID: 7, RequestID: 12, Person: bob, SystemUser: "runcloud", State: access.Live, StartsAt: noon(), EndsAt: noon().Add(12 * time.Hour)}
}

// live is an approved grant whose results are those that state gives for each server.
func (w world) live(state func(i int) access.Result) workflow.RequestView {
	v := w.request(access.KindGrant, access.Approved)
	g := grant()
	v.Grant, v.Request.GrantID = &g, g.ID
	v.Results = w.results(access.PhaseAdd, state)
	return v
}

// access is a grant that there is already.
func (w world) access() workflow.GrantView {
	return workflow.GrantView{Grant: grant(), Servers: 2, Names: []string{w.foreign("web-001"), w.foreign("web-002")}}
}

func (w world) results(phase access.Phase, state func(i int) access.Result) []access.Result {
	var out []access.Result
	for i, ref := range w.refs() {
		r := state(i)
		r.RequestID, r.Phase, r.ServerID, r.ServerName, r.TargetTitle, r.SystemUser = 12, phase, ref.ID, ref.Name, "RunCloud", "runcloud"
		r.UpdatedAt, r.Detail = noon().Add(time.Hour), w.words(r)
		for k := range 2 {
			r.Fingerprint = fingerprint(k)
			out = append(out, r)
		}
	}
	return out
}

func (w world) words(r access.Result) string {
	if r.Detail == "" {
		return ""
	}
	return w.foreign(r.Detail)
}

func allDone(int) access.Result { return access.Result{State: access.Done} }

func allFailed(int) access.Result {
	return access.Result{State: access.Failed, Setback: access.Setback{Problem: access.ProblemRefused, Detail: "The selected username is invalid."}}
}

// mixed has every outcome that a run can show.
func mixed(i int) access.Result {
	switch i % 10 {
	case 0:
		return access.Result{State: access.Failed, Setback: access.Setback{Problem: access.ProblemRefused, Remedy: access.RemedyUser, Detail: "The selected username is invalid."}}
	case 1:
		return access.Result{State: access.Waiting, Setback: access.Setback{Problem: access.ProblemOffline}}
	case 3:
		return access.Result{State: access.AlreadyThere}
	case 4:
		return access.Result{State: access.Unsure, Setback: access.Setback{Problem: access.ProblemTrouble}}
	case 5:
		return access.Result{State: access.Waiting, Setback: access.Setback{Problem: access.ProblemLimited}}
	case 6:
		return access.Result{State: access.Waiting}
	case 7:
		return access.Result{State: access.Failed, Setback: access.Setback{Problem: access.ProblemRefused, Remedy: access.RemedyPermission, Detail: fmt.Sprintf("Server %d: this action is forbidden.", i)}}
	case 8:
		return access.Result{State: access.Waiting, Setback: access.Setback{Problem: access.ProblemTrouble, Detail: "502 Bad Gateway"}}
	}
	return access.Result{State: access.Done}
}

func removals(i int) access.Result {
	switch i % 10 {
	case 0:
		return access.Result{State: access.Waiting, Setback: access.Setback{Problem: access.ProblemOffline}}
	case 1:
		return access.Result{State: access.Kept}
	case 2:
		return access.Result{State: access.Failed, Setback: access.Setback{Problem: access.ProblemForeign}}
	}
	return access.Result{State: access.Done}
}

func inspection(int) access.Result {
	return access.Result{State: access.Done, Sessions: []access.Session{{SystemUser: "runcloud", Address: "203.0.113.9"}}}
}

func unfinished(i int) access.Result {
	switch i % 5 {
	case 0:
		return access.Result{State: access.Waiting, Setback: access.Setback{Problem: access.ProblemOffline, Detail: "The server is offline."}}
	case 1:
		return access.Result{State: access.Failed, Setback: access.Setback{Problem: access.ProblemRefused, Remedy: access.RemedyPermission, Detail: "403: forbidden"}}
	case 2:
		return access.Result{State: access.Waiting}
	}
	return inspection(i)
}

func (w world) ended(reason access.EndReason, late time.Duration, state func(int) access.Result) workflow.RequestView {
	v := w.live(allDone)
	v.Grant.State, v.Grant.EndReason, v.Grant.EndedAt = access.Ended, reason, v.Grant.EndsAt.Add(late)
	if reason != access.EndExpired {
		v.Grant.EndedBy = bob
	}
	v.Results = append(v.Results, w.results(access.PhaseRemove, state)...)
	return v
}

func (w world) offboarding(state func(int) access.Result, candidates int) workflow.RequestView {
	v := w.request(access.KindOffboard, access.Approved)
	v.Results = append(w.results(access.PhaseRemove, state), w.results(access.PhaseInspect, inspection)...)
	v.ListsSessions, v.ManualSteps = true, []string{"To do by hand: delete their keys from the SSH Key Vault in RunCloud's dashboard; it has no API."}
	for i := range candidates {
		c := access.Candidate{
			RequestID: 12, ServerID: int64(100 + i), ServerName: w.foreign(fmt.Sprintf("web-%03d", i+1)), Why: []access.Why{access.WhyLabel, access.WhyKey, access.WhyType}[i%3],
			Credential: access.Credential{ID: strconv.Itoa(4000 + i), Label: w.foreign("bob old laptop"), SystemUser: w.foreign("runcloud"), PublicKey: w.foreign("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0S...")},
		}
		if i > 1 && i < 5 { // removed, being removed, left
			c.PickedBy, c.PickedAt, c.Spared = carol, noon().Add(2*time.Hour), i == 4
		}
		if i == 2 {
			v.Results = append(v.Results, access.Result{RequestID: 12, Phase: access.PhaseRemove, ServerID: c.ServerID, ServerName: c.ServerName, TargetTitle: "RunCloud", Picked: "4002", State: access.Done})
		}
		v.Candidates = append(v.Candidates, c)
	}
	for i := range min(w.n, 40) {
		v.Sessions = append(v.Sessions, workflow.OpenSession{
			Server:  access.ServerRef{ID: int64(100 + i), Name: w.foreign("web-001")},
			Session: access.Session{SystemUser: w.foreign("runcloud"), Address: w.foreign("203.0.113.9"), Since: w.foreign("2026-03-02 09:12")},
		})
	}
	return v
}

func (w world) overview() workflow.Overview {
	o := workflow.Overview{Complete: true}
	revoke := w.request(access.KindRevoke, access.Pending).Request
	for i := range w.n {
		g := grant()
		g.ID, g.RequestID, g.Alias = int64(i+1), int64(i+1), w.foreign("Bob")
		o.Grants = append(o.Grants, workflow.GrantView{Grant: g, Servers: 2, Names: []string{w.foreign("web-001"), w.foreign("web-002")}, Wanted: i % 2})
		o.Waiting = append(o.Waiting, revoke)
		o.Debt = append(o.Debt, workflow.DebtView{
			Placement: access.Placement{Fingerprint: fingerprint(i), Person: bob, SystemUser: "runcloud", LeftAt: noon(), Setback: access.Setback{Problem: access.ProblemOffline, Detail: w.foreign("server offline")}}, Title: "RunCloud",
			Server: access.ServerRef{ID: int64(i), Name: w.foreign("web-001")}, Moving: i%4 == 1,
		})
	}
	return withCounts(o)
}

// withCounts returns an overview with the numbers of what is owed in it.
func withCounts(o workflow.Overview) workflow.Overview {
	o.Overdue, o.Moving = 0, 0
	for _, d := range o.Debt {
		if d.Moving {
			o.Moving++
		} else {
			o.Overdue++
		}
	}
	return o
}

func (w world) inventory() []access.Server {
	var out []access.Server
	for i, ref := range w.refs() {
		out = append(out, access.Server{ID: ref.ID, ExternalID: ref.ExternalID, Name: ref.Name, Tags: []string{w.foreign("shop"), w.foreign("eu")}, Online: i%3 != 0})
	}
	return out
}

func (w world) refusedHome() slack.HomeTabViewRequest {
	return Home(HomeData{Me: alice, Refused: "You cannot use this: " + w.foreign("guests of this workspace are not given server access.")})
}

func (w world) home(page int) slack.HomeTabViewRequest {
	d := HomeData{Me: bob, Approver: true, Keys: w.keys(), Team: w.overview(), Page: page}
	d.Grants = d.Team.Grants
	waiting, approved := w.request(access.KindGrant, access.Pending), w.request(access.KindGrant, access.Pending)
	waiting.MayDecide = true
	approved.Approvals = []access.Approval{{Approver: bob, Verdict: access.Approve}}
	asked := w.request(access.KindExtend, access.Pending).Request
	for i := range min(w.n, 50) {
		waiting.Request.ID, approved.Request.ID, asked.ID = int64(12+i), int64(112+i), int64(212+i)
		d.Waiting = append(d.Waiting, waiting, approved)
		d.Asked = append(d.Asked, asked)
	}
	return Home(d)
}

func someVerbs() []Verb {
	return []Verb{
		{Part: "Your access", Name: "grant", Typed: "grant @user DURATION [on SERVERS]", About: "ask for access. An approver decides.", Opens: true},
		{Part: "Your access", Name: "done", Typed: "done", About: "give your access back early."},
		{Part: "Your keys", Name: "register", Typed: "register [KEY [note]]", About: "register your public key.", Opens: true},
		{Part: "For approvers", Name: "offboard", Typed: "offboard @user [for REASON]", About: "remove everything of a person everywhere."},
	}
}
