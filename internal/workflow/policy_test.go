package workflow_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// refusals are the sentences for everybody who is not a full member.
var refusals = map[access.Standing]string{
	access.Deactivated: "deactivated",
	access.Bot:         "bots",
	access.Guest:       "guests",
	access.Outsider:    "members of this workspace itself",
	access.Nobody:      "no such user",
	access.Invited:     "invitation",
	"something new":    "did not say",
}

func TestOnlyFullMembersAskReceiveDecideAndClick(t *testing.T) {
	t.Parallel()
	for standing, words := range refusals {
		t.Run(string(standing), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.MustRegister(alice, "alice laptop")
			r := h.Ask(alice, time.Hour, "")
			h.People.Set(bob, standing)
			h.People.Set(carol, standing)
			h.Unchanged(t, func() {
				for what, err := range everyUseBy(h, carol, alice, r.ID) {
					t.Run(what, func(t *testing.T) { refuses(t, err, access.Forbidden, "You cannot use this: ") })
				}
				refuses(t, h.Eligible(h.Ctx(), carol), access.Forbidden, words)
				_, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "for", Asker: alice, Person: carol, Duration: time.Hour})
				refuses(t, err, access.Forbidden, "This person cannot be given access: ")
				_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
				refuses(t, err, access.Forbidden, words)
			})
		})
	}
}

// everyUseBy tries everything that a person may start, and returns what came of it.
func everyUseBy(h *harness, actor, other access.UserID, request int64) map[string]error {
	errs := map[string]error{}
	_, errs["register"] = h.Register(h.Ctx(), actor, workflowtest.NewKey("another"), "")
	errs["remove key"] = h.RemoveKey(h.Ctx(), actor, workflowtest.NewKey("alice laptop").Fingerprint())
	_, errs["keys"] = h.Keys(h.Ctx(), actor, "")
	_, errs["keys of"] = h.Keys(h.Ctx(), actor, other)
	_, errs["grant"] = h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "g", Asker: actor, Person: other, Duration: time.Hour})
	_, errs["extend"] = h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "e", Asker: actor, Person: other, Duration: time.Hour})
	_, errs["revoke"] = h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: actor, Person: other})
	_, errs["offboard"] = h.Offboard(h.Ctx(), workflow.OffboardAsk{Source: "o", Asker: actor, Person: other})
	_, errs["decide"] = h.Decide(h.Ctx(), workflow.Decision{RequestID: request, Actor: actor, Verdict: access.Deny})
	_, errs["edit"] = h.Edit(h.Ctx(), workflow.Edit{RequestID: request, Actor: actor})
	_, errs["cancel"] = h.Cancel(h.Ctx(), request, actor)
	_, errs["confirm"] = h.Confirm(h.Ctx(), request, actor, time.Time{})
	_, errs["retry"] = h.RetryFailed(h.Ctx(), request, actor)
	_, errs["done"] = h.GiveBack(h.Ctx(), actor, 0, h.NextSource())
	_, errs["list"] = h.Access(h.Ctx(), actor, "")
	_, errs["pending"] = h.PendingRequests(h.Ctx(), actor, workflow.PageQuery{})
	_, errs["servers"] = h.FindServers(h.Ctx(), actor, "")
	errs["pick"] = h.Pick(h.Ctx(), request, 1, "1", actor)
	errs["leave"] = h.Spare(h.Ctx(), request, 1, "1", actor)
	_, errs["leave rest"] = h.SpareRest(h.Ctx(), request, "", actor)
	return errs
}

func TestOffboardedMemberIsRefusedAndNoApproverAnyMore(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(dave, "dave laptop")
	h.MustRegister(alice, "alice laptop")
	h.MustOffboard(dave)
	refuses(t, h.Eligible(h.Ctx(), dave), access.Forbidden, "offboarding")
	if is, err := h.IsApprover(h.Ctx(), dave); is || err != nil {
		t.Errorf("an offboarded approver still counts: %v, %v", is, err)
	}
	r := h.Ask(alice, time.Hour, "")
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
	refuses(t, err, access.Forbidden, "offboarding")
}

func TestApproversAreNamedByUserAndByGroup(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	groups := workflowtest.Grouped{People: h.People, MembersOf: map[string][]access.UserID{"S0OPS": {carol, bob}}}
	h.SetDirectory(groups)
	h.Settings.Approvers = []string{string(bob), "S0OPS"}
	for id, want := range map[access.UserID]bool{bob: true, carol: true, dave: false} {
		if is, err := h.IsApprover(h.Ctx(), id); is != want || err != nil {
			t.Errorf("%s is an approver: %v, %v", id, is, err)
		}
	}
}

func TestWhoMayDecide(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		asker        access.UserID
		person       access.UserID
		actor        access.UserID
		selfApproval bool
		words        string // empty: may
	}{
		{"another approver", alice, alice, bob, false, ""},
		{"an approver who asked for somebody", bob, alice, bob, false, "You asked for this yourself"},
		{"an approver about their own access", alice, bob, bob, false, "your own access"},
		{"the asker, where that is allowed", bob, alice, bob, true, ""},
		{"the receiver, where that is allowed", alice, bob, bob, true, ""},
		{"no approver", alice, alice, carol, false, "Only an approver"},
		{"no approver, where self approval is allowed", alice, alice, alice, true, "Only an approver"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.Settings.SelfApproval = tt.selfApproval
			h.MustRegister(tt.person, "laptop")
			r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: tt.asker, Person: tt.person, Duration: time.Hour})
			h.Must(err)
			_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: tt.actor, Verdict: access.Approve})
			if tt.words == "" {
				h.Must(err)
				return
			}
			refuses(t, err, access.Forbidden, tt.words)
			if h.State(r.ID) != access.Pending {
				t.Errorf("a refused click decided: %s", h.State(r.ID))
			}
		})
	}
}

func TestNobodyLeftToDecideIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(h *harness)
		asker   access.UserID
		ok      bool
	}{
		{"two approvers", func(*harness) {}, alice, true},
		{"all deactivated", func(h *harness) {
			h.People.Set(bob, access.Deactivated)
			h.People.Set(dave, access.Deactivated)
		}, alice, false},
		{"only the asker is one", func(h *harness) { h.Settings.Approvers = []string{string(bob)} }, bob, false},
		{"only the asker is one, who may", func(h *harness) {
			h.Settings.Approvers = []string{string(bob)}
			h.Settings.SelfApproval = true
		}, bob, true},
		{"two are needed and one is the asker", func(h *harness) { h.Settings.Approvals = 2 }, bob, false},
		{"two are needed and two are there", func(h *harness) { h.Settings.Approvals = 2 }, alice, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			tt.prepare(h)
			before := len(h.VerifyAudit())
			_, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: tt.asker, Person: tt.asker, Duration: time.Hour})
			if tt.ok {
				h.Must(err)
				return
			}
			refuses(t, err, access.Forbidden, "SSHKEYBOT_APPROVERS")
			if len(h.VerifyAudit()) != before {
				t.Errorf("a refused request left a trace")
			}
		})
	}
}

func TestTwoApprovalsByDifferentPeople(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvals = 2
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	if first := h.Approve(r.ID); first.State != access.Pending {
		t.Fatalf("one approval of two made it %s", first.State)
	}
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "needs another approver")
	second, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
	h.Must(err)
	if second.State != access.Approved || len(h.Grants(access.GrantQuery{})) != 1 || len(h.MustView(r.ID).Approvals) != 2 {
		t.Errorf("after the second %+v", second)
	}
}

func TestOneDenialIsEnoughAndTellsTheAsker(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvals = 2
	h.MustRegister(alice, "alice laptop")
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: carol, Person: alice, Duration: time.Hour})
	h.Must(err)
	h.Approve(r.ID)
	r, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Deny, Reason: "not now"})
	h.Must(err)
	if r.State != access.Denied || r.DecidedBy != dave || r.Note != "not now" {
		t.Errorf("denied request %+v", r)
	}
	if told := h.Notices(access.NoticeDecided); len(told) != 1 || told[0].To != carol {
		t.Errorf("told %+v, want who asked", told)
	}
}

func TestReceiverIsLookedAtAgainWhenItIsApproved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	h.People.Set(alice, access.Guest)
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Forbidden, "This person cannot be given access: guests")
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Deny})
	h.Must(err) // a denial needs no receiver
}

// An approval counts only while who gave it may still give it.
func TestApprovalsOfThoseWhoMayNotApproveAnyMore(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *harness){
		"deactivated": func(h *harness) { h.People.Set(dave, access.Deactivated) },
		"taken off the list": func(h *harness) {
			h.Settings.Approvers = []string{string(bob), string(carol)}
		},
		"it was their own request": func(h *harness) { h.Settings.SelfApproval = false },
	} {
		h := newHarness(t, 1)
		h.Settings.Approvals, h.Settings.Approvers, h.Settings.SelfApproval = 2, []string{string(bob), string(dave), string(carol)}, true
		h.MustRegister(alice, "alice laptop")
		r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: name, Asker: dave, Person: alice, Duration: time.Hour})
		h.Must(err)
		approve := func(id access.UserID) access.RequestState {
			out, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: id, Verdict: access.Approve})
			h.Must(err)
			return out.State
		}
		approve(dave)
		change(h)
		h.Clock.Advance(time.Minute)
		if got := approve(bob); got != access.Pending {
			t.Errorf("%s: the request is %s after one approval that counts", name, got)
		}
		if v := h.MustView(r.ID); len(v.Approvals) != 1 || v.Approvals[0].Approver != bob {
			t.Errorf("%s: approvals %+v", name, v.Approvals)
		}
		if got := approve(carol); got != access.Approved {
			t.Errorf("%s: the request is %s after two", name, got)
		}
		h.VerifyAudit()
	}
}

// behind is a directory that may still say who somebody was a few seconds ago.
type behind struct{ *workflowtest.People }

func (d behind) Profile(ctx context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error) {
	if maxAge == 0 {
		return d.People.Profile(ctx, id, maxAge)
	}
	return access.Profile{ID: id, Standing: access.Member}, nil
}

func TestOldAnswerOfSlackBringsNoLeaverBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(dave, "dave laptop")
	h.People.Set(dave, access.Deactivated)
	h.Must(h.AccountDeactivated(h.Ctx(), dave))
	h.SetDirectory(behind{h.People})
	refuses(t, h.Eligible(h.Ctx(), dave), access.Forbidden, "offboarding")
	h.People.Set(dave, access.Member)
	h.Must(h.Eligible(h.Ctx(), dave))
}
