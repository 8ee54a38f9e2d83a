package workflow_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func askReinstate(h *harness, asker, person access.UserID) (access.Request, error) {
	return h.AskReinstate(h.Ctx(), workflow.ReinstateAsk{Source: h.NextSource(), Asker: asker, Person: person, Reason: "back from leave"})
}

// Dave, an approver, was offboarded by hand. Reinstated, he may be given access again and
// decides again; none of his keys is back.
func TestReinstatedMayBeGivenAccessAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvers = append(h.Settings.Approvers, string(carol))
	key := h.MustRegister(dave, "dave laptop")
	h.MustRegister(alice, "alice laptop")
	h.Grant(dave, 10*time.Hour, "")
	h.Work()
	off := h.MustOffboard(dave)
	h.Work()
	h.Clock.Advance(time.Hour)
	r, err := askReinstate(h, bob, dave)
	h.Must(err)
	h.Unchanged(t, func() {
		_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
		refuses(t, err, access.Forbidden, "yourself")
		_, err = askReinstate(h, carol, dave)
		refuses(t, err, access.Conflict, "already")
	})
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: carol, Verdict: access.Approve})
	h.Must(err)
	h.Must(h.Eligible(h.Ctx(), dave))
	h.Must(h.CheckReceiver(h.Ctx(), dave))
	if is, err := h.IsApprover(h.Ctx(), dave); !is || err != nil {
		t.Errorf("he decides nothing: %v", err)
	}
	if keys, err := h.Keys(h.Ctx(), dave, dave); len(keys) != 0 || err != nil {
		t.Errorf("his keys are back: %+v, %v", keys, err)
	}
	_, err = h.Register(h.Ctx(), dave, key, "")
	h.Must(err) // with a proof that it is his, which a test of proofs shows
	told := h.Notices(access.NoticeReinstated)
	if len(told) != 1 || told[0].RequestID != off.ID || told[0].To != "" {
		t.Errorf("told %+v, want once where the offboarding was", told)
	}
	if v := h.MustView(off.ID); v.Subject.ReinstatedAt.IsZero() || v.SubjectBarred {
		t.Errorf("the offboarding shows %+v", v.Subject)
	}
	if got := h.Events(access.DidPersonReinstate); len(got) != 1 || got[0].Actor != carol {
		t.Errorf("the log has %+v", got)
	}
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("keys are back: %v", left)
	}
	h.MustOffboard(dave)
	refuses(t, h.Eligible(h.Ctx(), dave), access.Forbidden, "offboarding")
	if v := h.MustView(off.ID); !v.SubjectBarred || !v.Subject.ReinstatedAt.IsZero() {
		t.Errorf("offboarded again, he is shown as %+v", v.Subject)
	}
}

func TestReinstatementIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asker access.UserID
		do    func(h *harness)
		code  access.Code
		words string
	}{
		"somebody who is no approver asks": {alice, func(h *harness) { h.MustOffboard(dave) }, access.Forbidden, "approver"},
		"the person was not offboarded":    {bob, func(*harness) {}, access.Conflict, "not offboarded"},
		"the account is deactivated": {bob, func(h *harness) {
			h.MustRegister(dave, "dave laptop")
			setStanding(h, dave, access.Deactivated)
		}, access.Forbidden, "deactivated"},
		"the person is a guest now": {bob, func(h *harness) { h.MustOffboard(dave); h.People.Set(dave, access.Guest) }, access.Forbidden, "guest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			test.do(h)
			h.Unchanged(t, func() {
				_, err := askReinstate(h, test.asker, dave)
				refuses(t, err, test.code, test.words)
			})
		})
	}
}

// What was true when it was asked is looked at again when it is approved.
func TestReinstatementIsCheckedWhenItIsApproved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvers = append(h.Settings.Approvers, string(carol))
	h.MustOffboard(dave)
	r, err := askReinstate(h, bob, dave)
	h.Must(err)
	h.People.Set(dave, access.Deactivated)
	h.Unchanged(t, func() {
		_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: carol, Verdict: access.Approve})
		refuses(t, err, access.Forbidden, "deactivated")
	})
}

// The only approver confirms what they asked; with another one, and though people may approve
// what they asked for themselves, that one decides.
func TestOnlyApproverConfirmsAReinstatement(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvers, h.Settings.SelfApproval = []string{string(bob)}, true
	h.MustOffboard(dave)
	draft, err := askReinstate(h, bob, dave)
	h.Must(err)
	if draft.State != access.Draft {
		t.Fatalf("it is %s", draft.State)
	}
	h.Settings.Approvers = []string{string(bob), string(carol)}
	h.Unchanged(t, func() {
		_, err = h.Confirm(h.Ctx(), draft.ID, bob, time.Time{})
		refuses(t, err, access.Forbidden, "another approver")
	})
	r, err := askReinstate(h, bob, dave)
	h.Must(err)
	h.Unchanged(t, func() {
		_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
		refuses(t, err, access.Forbidden, "yourself")
	})
	h.Settings.Approvers = []string{string(bob)}
	_, err = h.Confirm(h.Ctx(), draft.ID, bob, time.Time{})
	h.Must(err)
	h.Must(h.Eligible(h.Ctx(), dave))
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Forbidden, "yourself")
}

// An account that the directory alone said to have left is back without the right to decide, until
// approvers reinstate its person.
func TestWhoCameBackByTheDirectoryIsReinstated(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvers = append(h.Settings.Approvers, string(carol))
	h.MustRegister(dave, "dave laptop")
	setStanding(h, dave, access.Deactivated)
	h.People.Set(dave, access.Member) // and no event told so
	r, err := askReinstate(h, carol, dave)
	h.Must(err)
	if is, err := h.IsApprover(h.Ctx(), dave); is || err != nil {
		t.Errorf("he decides before he is reinstated: %v", err)
	}
	h.Approve(r.ID)
	if is, err := h.IsApprover(h.Ctx(), dave); !is || err != nil {
		t.Errorf("he decides nothing: %v", err)
	}
	h.MustRegister(dave, "dave's next laptop")
	h.Clock.Advance(time.Minute)
	setStanding(h, dave, access.Deactivated)
	if got := offboardings(h); len(got) != 2 {
		t.Errorf("offboardings %+v, want another one", got)
	}
	if is, err := h.IsApprover(h.Ctx(), dave); is || err != nil {
		t.Errorf("he decides after he left: %v", err)
	}
}
