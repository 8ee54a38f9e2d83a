package render

import (
	"slices"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// wholeCases are the messages with more than they have room for, and the lists that show all of it.
func (w world) wholeCases() map[string]any {
	pending, running := w.request(access.KindGrant, access.Pending), w.offboarding(removals, 0)
	running.Results = append(running.Results, w.results(access.PhaseInspect, unfinished)...)
	running.SessionsUnread = w.refs()[:1]
	found := w.audited()
	found.Audit.Groups = []workflow.FindingGroup{w.found(3)}
	one, _ := OnlyFound(found, "digest3")
	rotating := w.rotating(access.RotationHalfway, func(v *workflow.RequestView) {
		for range w.n {
			v.Rotation.Unproven, v.Rotation.Busy = append(v.Rotation.Unproven, w.foreign("target")), append(v.Rotation.Busy, w.foreign("Deploy: shop 1.2"))
		}
	})
	owed := w.overview()
	owed.Debt = owed.Debt[:1]
	return map[string]any{
		"modal-servers-came":     ServersModal(running, "", 0),
		"modal-servers-came-end": ServersModal(running, "", 99),
		"modal-servers-rotation": ServersModal(rotating, "", 0),
		"modal-servers-found":    ServersModal(one, "digest3", 0),
		"file-servers":           ServersCSV(pending),
		"file-servers-came":      ServersCSV(running),
		"file-servers-rotation":  ServersCSV(rotating),
		"file-servers-found":     ServersCSV(one),

		"request-pending-crowded": Request(w.crowded(access.Pending), noon()),
		"draft-crowded":           Draft(w.crowded(access.Draft)),
		"offboard-crowded":        Request(w.crowdedOffboarding(), noon()),
		"audit-crowded":           Request(w.crowdedAudit(), noon()),
		"rotate-crowded":          Request(rotating, noon()),
		"rotate-news-crowded":     Notice(access.Notice{Kind: access.NoticeRotation, Detail: string(access.RotationHalfway)}, &rotating, nil, Post{}),
		"notice-lapsed-somewhere": w.lapsed(),
		"given-back-all":          GivenBack(slices.Repeat([]workflow.RequestView{w.live(allDone)}, w.n)),
		"refusal-approvers-all":   Refusal(&access.Error{Code: access.Forbidden, Message: "Only an approver may do this.", Ask: slices.Repeat([]string{string(carol)}, w.n)}),
		"servers-tagged":          Servers(serversPage(w.tagged(w.n), w.n)),
		"servers-tagged-one":      Servers(serversPage(w.tagged(1), w.n)),
		"home-owed":               Home(HomeData{Me: bob, Approver: true, Team: owed}),
	}
}

// crowded is a request for the same of many people, about somebody who has much access already.
func (w world) crowded(state access.RequestState) workflow.RequestView {
	v := w.request(access.KindRevoke, state)
	if state == access.Pending {
		v.Request.Kind = access.KindGrant
	}
	for range w.n {
		v.Overlaps = append(v.Overlaps, w.access())
		v.Askers = append(v.Askers, access.Asker{Asker: carol, Reason: w.said("stolen, OPS-12")})
	}
	return v
}

// crowdedOffboarding is one where approvers have decided about much, and others have keys that the leaver had.
func (w world) crowdedOffboarding() workflow.RequestView {
	v := w.offboarding(func(int) access.Result {
		return access.Result{State: access.OutOfReach, Setback: access.Setback{Problem: access.ProblemServerLeft}}
	}, w.n)
	for i := range v.Candidates {
		v.Candidates[i].Why, v.Candidates[i].PickedBy, v.Candidates[i].PickedAt, v.Candidates[i].Spared = access.WhyLabel, carol, noon(), i%2 == 0
	}
	for range 10 {
		token := w.token(true)
		v.Candidates = append(v.Candidates, token)
		v.Passed = append(v.Passed, access.Key{Fingerprint: fingerprint(1), Person: alice})
	}
	for i, r := range w.results(access.PhaseRemove, allDone) {
		r.Fingerprint = fingerprint(i % 10)
		v.Results = append(v.Results, r)
	}
	return v
}

// crowdedAudit is one that could read nothing, beside many other things to decide about.
func (w world) crowdedAudit() workflow.RequestView {
	v := w.audited()
	v.Results = w.results(access.PhaseAudit, func(int) access.Result {
		return access.Result{State: access.Waiting, Setback: access.Setback{Problem: access.ProblemTrouble}}
	})
	v.Audit.Read = 0
	for i := range w.n {
		v.Audit.Unknown = append(v.Audit.Unknown, int64(i+1))
	}
	return v
}

func (w world) lapsed() Message {
	v, g := w.live(unfinished), grant()
	return Notice(access.Notice{Kind: access.NoticeLapsed, Target: "RunCloud"}, &v, &g, Post{})
}

func (w world) tagged(n int) []access.Server {
	all := w.inventory()[:n]
	for i := range all {
		for range 30 {
			all[i].Tags = append(all[i].Tags, w.foreign("a rather long tag"))
		}
	}
	return all
}
