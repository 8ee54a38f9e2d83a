package render

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// rotating is a rotation of an account that a machine on every server uses, the last of them disabled.
func (w world) rotating(state access.RotationState, change func(*workflow.RequestView)) workflow.RequestView {
	of := access.Approved
	if state == access.RotationAsked {
		of = access.Pending
	}
	v := w.request(access.KindRotate, of)
	v.Grant, v.Keys, v.Request.Person, v.Request.SystemUser, v.Request.Pattern, v.Request.Reason = nil, nil, "", "deploy", "", ""
	v.System = "Octopus Deploy"
	v.Rotation = &access.Rotation{
		RequestID: 12, State: state, Space: "Spaces-1", AccountID: "Accounts-7", AccountName: w.foreign("web deploy"), SystemUser: "deploy", Attempt: 1,
		Fingerprint: fingerprint(1), Since: noon(),
	}
	v.Rotation.Found = access.AccountFindings{Version: "2026.3.1234", AccountUses: access.AccountUses{Others: 3}}
	for i, ref := range v.Servers {
		m := access.AccountMachine{ID: fmt.Sprint(i), Name: w.foreign("target"), Host: w.foreign("198.18.0.1"), Worker: i == 1, Healthy: true, Health: "Healthy", ServerID: ref.ID}
		m.Disabled = i == len(v.Servers)-1
		v.Rotation.Found.Machines = append(v.Rotation.Found.Machines, m)
	}
	if state != access.RotationAsked && state != access.RotationPreparing {
		v.Results = w.results(access.PhaseAdd, allDone)
	}
	if change != nil {
		change(&v)
	}
	return v
}

func (w world) before(decided bool) []access.Candidate {
	c := access.Candidate{
		RequestID: 12, ServerID: w.refs()[0].ID, ServerName: w.refs()[0].Name, Why: access.WhyBefore,
		Credential: access.Credential{ID: "4000", Label: w.foreign("octopus"), SystemUser: "deploy", PublicKey: "ssh-ed25519 AAAA"},
	}
	if decided {
		c.PickedAt, c.PickedBy, c.Spared = noon(), carol, true
	}
	return []access.Candidate{c}
}

func (w world) rotationCases() map[string]any {
	draw := func(state access.RotationState, change func(*workflow.RequestView)) Message {
		return Request(w.rotating(state, change), noon())
	}
	created := func(v *workflow.RequestView) {
		v.Rotation.Created, v.Rotation.AccountID, v.Rotation.Found.Machines, v.Rotation.Found.Others = true, "", nil, 0
	}
	halfway := func(v *workflow.RequestView) {
		v.Rotation.Wrote, v.Rotation.Problem, v.Rotation.Unproven = true, w.foreign("The health check ended as Failed."), []string{w.foreign("target")}
	}
	news := func(state access.RotationState, change func(*workflow.RequestView)) Message {
		v := w.rotating(state, change)
		return Notice(access.Notice{Kind: access.NoticeRotation, RequestID: 12, Detail: string(state)}, &v, nil, Post{Channel: "C0OPS"})
	}
	return map[string]any{
		"rotate-pending": draw(access.RotationAsked, func(v *workflow.RequestView) { v.Rotation.Found.Busy = []string{w.foreign("Deploy: shop 1.2")} }),
		"rotate-pending-known": draw(access.RotationAsked, func(v *workflow.RequestView) {
			v.Rotation.Found.Known = true
		}),
		"rotate-pending-edited": draw(access.RotationAsked, func(v *workflow.RequestView) {
			v.Rotation.Found.Edited, v.Rotation.Found.ModifiedBy, v.Rotation.Found.ModifiedAt = true, w.foreign("somebody"), noon().Add(-time.Hour)
		}),
		"rotate-pending-new": draw(access.RotationAsked, created),
		"rotate-preparing":   draw(access.RotationPreparing, nil),
		"rotate-placing": draw(access.RotationPlacing, func(v *workflow.RequestView) {
			v.Results, v.Rotation.Problem = w.results(access.PhaseAdd, unfinished), w.foreign("Octopus Deploy did not answer in time.")
		}),
		"rotate-confirming": draw(access.RotationConfirming, nil),
		"rotate-writing":    draw(access.RotationWriting, nil),
		"rotate-checking":   draw(access.RotationChecking, nil),
		"rotate-draining":   draw(access.RotationDraining, func(v *workflow.RequestView) { v.Rotation.Busy = []string{w.foreign("Deploy: shop 1.2")} }),
		"rotate-removing": draw(access.RotationRemoving, func(v *workflow.RequestView) {
			v.Rotation.Found.Known, v.Results = true, append(v.Results, w.results(access.PhaseRemove, mixed)...)
		}),
		"rotate-picking": draw(access.RotationRemoving, func(v *workflow.RequestView) { v.Candidates = w.before(false) }),
		"rotate-proving": draw(access.RotationProving, nil),
		"rotate-halfway": draw(access.RotationHalfway, halfway),
		"rotate-done":    draw(access.RotationDone, func(v *workflow.RequestView) { v.Rotation.Removes = true }),
		"rotate-kept":    draw(access.RotationDone, func(v *workflow.RequestView) { v.Candidates = w.before(true) }),
		"rotate-made": draw(access.RotationDone, func(v *workflow.RequestView) {
			created(v)
			v.Rotation.AccountID = "Accounts-8"
		}),
		"rotate-failed":      draw(access.RotationFailed, func(v *workflow.RequestView) { v.Rotation.Problem = w.foreign("The key cannot be placed.") }),
		"rotate-reply":       Asked(w.rotating(access.RotationAsked, nil), alice, Post{Channel: "C0OPS"}),
		"rotate-news-half":   news(access.RotationHalfway, halfway),
		"rotate-news-done":   news(access.RotationDone, func(v *workflow.RequestView) { v.Rotation.Removes = true }),
		"rotate-check-again": CheckedAgain(),
		"rotate-again":       RotatedAgain(),
	}
}

// News of a rotation that has gone on since is none.
func TestOldNewsOfRotationIsNone(t *testing.T) {
	t.Parallel()
	v := small().rotating(access.RotationDone, nil)
	if m := Notice(access.Notice{Kind: access.NoticeRotation, RequestID: 12, Detail: string(access.RotationHalfway)}, &v, nil, Post{}); m.Text != "" {
		t.Errorf("%s", m.Text)
	}
}

func TestKeysOfAccountsAreNobodys(t *testing.T) {
	t.Parallel()
	o := workflow.Overview{Complete: true, Grants: []workflow.GrantView{{
		Grant: access.Grant{Alias: "web deploy", SystemUser: "deploy", State: access.Live, RequestID: 12}, Servers: 1, Names: []string{"web-01"}, Placed: 1,
	}}, Debt: []workflow.DebtView{{Placement: access.Placement{Fingerprint: fingerprint(1), SystemUser: "deploy"}, Server: access.ServerRef{Name: "web-01"}}}, Overdue: 1}
	text := List(paged(o), "", alice).Text
	if !strings.Contains(text, "the account `web deploy` as `deploy` on 1 server") || strings.Contains(text, "<@>") || strings.Contains(text, "nobody") {
		t.Error(text)
	}
}
