package render

import (
	"fmt"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// purged is a purge of root on all servers, two keys on each.
func (w world) purged(state access.RequestState) workflow.RequestView {
	v := w.request(access.KindPurge, state)
	v.Grant, v.Keys, v.Request.Person, v.Request.SystemUser, v.Request.Pattern, v.Request.Reason = nil, nil, "", "root", "", ""
	v.Results = w.results(access.PhaseInspect, allDone)
	for i := range v.Results {
		v.Results[i].Fingerprint, v.Results[i].SystemUser = "", ""
	}
	for i, ref := range v.Servers {
		for j, label := range []string{"old admin", "agency"} {
			v.Candidates = append(v.Candidates, access.Candidate{
				RequestID: 12, ServerID: ref.ID, ServerName: ref.Name, Why: access.WhyListed,
				Credential: access.Credential{ID: fmt.Sprint(4000 + 2*i + j), Label: w.foreign(label), SystemUser: "root", PublicKey: w.foreign("ssh-ed25519 AAAA"), CreatedAt: noon().Add(-time.Hour)},
			})
		}
	}
	return v
}

func (w world) purgeCases() map[string]any {
	pending := w.purged(access.Pending)
	pending.Overlaps = []workflow.GrantView{w.access()}
	reading := w.purged(access.Pending)
	reading.Results = w.results(access.PhaseInspect, unfinished)
	unreadable := w.purged(access.Pending)
	unreadable.Results[0].State, unreadable.Results[0].Setback = access.Waiting, access.Setback{Problem: access.ProblemTrouble, Detail: w.foreign("Server Error")}
	done := w.purged(access.Approved)
	done.Results = append(done.Results, w.results(access.PhaseRemove, mixed)...)
	done.Candidates = append(done.Candidates, access.Candidate{
		RequestID: 12, ServerID: w.refs()[0].ID, ServerName: w.refs()[0].Name, Why: access.WhySince, PickedAt: noon(), Spared: true,
		Credential: access.Credential{ID: "9000", Label: w.foreign("came since"), SystemUser: "root"},
	})
	chosen := w.purged(access.Pending)
	chosen.Request.SystemUser = ""
	return map[string]any{
		"purge-pending":     Request(pending, noon()),
		"purge-reading":     Request(reading, noon()),
		"purge-unreadable":  Request(unreadable, noon()),
		"purge-approved":    Request(done, noon()),
		"purge-denied":      Request(w.purged(access.Denied), noon()),
		"purge-chosen":      Request(chosen, noon()),
		"purge-summary":     Summary(done, access.PhaseInspect),
		"purge-progress":    Progress(reading, access.PhaseInspect, 0),
		"purge-reply":       Asked(pending, alice, Post{Channel: "C0OPS"}),
		"purge-file":        KeysCSV(done),
		"purge-file-notice": KeysFile(done),
	}
}
