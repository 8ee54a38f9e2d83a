package render

import (
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// lent is a request about an account instead of servers.
func (w world) lent(kind access.RequestKind, state access.RequestState) workflow.RequestView {
	v := w.request(kind, state)
	v.Request.SystemUser, v.Request.Pattern = "", "scalingo"
	v.Servers = []access.ServerRef{{ID: 900, ExternalID: "us-1", Name: "scalingo"}}
	v.Account, v.Lending = "Scalingo", "Whoever holds a key of the account can act as the account, on "+w.foreign("all its apps")+"."
	v.Offline, v.There, v.Overlaps, v.Renewals = 0, 0, nil, workflow.RequestView{}.Renewals
	return v
}

// onAccount is a result on that account.
func onAccount(phase access.Phase, state access.ResultState) access.Result {
	return access.Result{RequestID: 12, Phase: phase, ServerID: 900, ServerName: "scalingo", Fingerprint: fingerprint(1), TargetTitle: "Scalingo", Account: true, State: state}
}

func (w world) token(fixed bool) access.Candidate {
	made := noon().Add(time.Hour)
	return access.Candidate{
		RequestID: 12, ServerID: 900, ServerName: "scalingo", Why: access.WhyToken,
		Credential: access.Credential{ID: "token 1", Label: w.foreign("laptop"), CreatedAt: made, UsedAt: made.Add(time.Minute), Token: true, Fixed: fixed},
	}
}

func (w world) accountCases() map[string]any {
	pending := w.lent(access.KindGrant, access.Pending)
	live := w.lent(access.KindGrant, access.Approved)
	g := grant()
	g.SystemUser = ""
	live.Grant, live.Results = &g, []access.Result{onAccount(access.PhaseAdd, access.Done)}
	ended := live
	over := g
	over.State, over.EndedAt, over.EndReason = access.Ended, g.EndsAt, access.EndExpired
	ended.Grant = &over
	ended.Results = append(ended.Results, onAccount(access.PhaseRemove, access.Done), onAccount(access.PhaseInspect, access.Done))
	ended.Candidates = []access.Candidate{w.token(false), w.token(true)}
	off := w.offboarding(allDone, 0)
	off.Results = append(off.Results, onAccount(access.PhaseRemove, access.Waiting), onAccount(access.PhaseInspect, access.Done))
	unknown := access.Candidate{RequestID: 12, ServerID: 900, ServerName: "scalingo", Why: access.WhyUnregistered, Credential: access.Credential{ID: "k2", Label: w.foreign("ci"), PublicKey: "ssh-ed25519 AAAA"}}
	off.Candidates = []access.Candidate{unknown, w.token(false)}
	list := workflow.Overview{Grants: []workflow.GrantView{{Grant: g, Account: "Scalingo", Servers: 1, Names: []string{"scalingo"}, Pattern: "scalingo", Placed: 1}}}
	return map[string]any{
		"account-pending":       Request(pending, noon()),
		"account-extend":        Request(w.lent(access.KindExtend, access.Pending), noon()),
		"account-asked":         Asked(pending, alice, Post{Channel: "C0OPS"}),
		"account-live":          Request(live, noon()),
		"account-ended":         Request(ended, noon()),
		"account-summary":       Summary(live, access.PhaseAdd),
		"account-list":          List(paged(list), bob, alice),
		"account-given-back":    GivenBack([]workflow.RequestView{live}),
		"account-notice-ending": Notice(access.Notice{Kind: access.NoticeEnding}, &live, &g, Post{}),
		"account-offboard":      Request(off, noon()),
	}
}
