package workflow_test

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func setStanding(h *harness, id access.UserID, standing access.Standing) {
	h.T.Helper()
	h.People.Set(id, standing)
	h.Must(h.AccountDeactivated(h.Ctx(), id))
}

// Dave, an approver, is deactivated, and the account is active again: nothing of his is
// back by itself, and it is told once, where the offboarding was.
func TestWhoComesBackHasNeitherAccessNorRights(t *testing.T) {
	t.Parallel()
	for mode, out := range map[workflow.OffboardMode]bool{workflow.OffboardRun: false, workflow.OffboardAsks: true} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.Settings.OffboardDeactivated = mode
			h.MustRegister(dave, "dave laptop")
			h.MustRegister(alice, "alice laptop")
			h.Grant(dave, 10*time.Hour, "")
			h.Work()
			setStanding(h, dave, access.Deactivated)
			off := offboardings(h)[0]
			if out { // somebody decides it
				h.Approve(off.ID)
			}
			h.Work()
			for range 3 {
				setStanding(h, dave, access.Member)
			}
			told := h.Notices(access.NoticeReturned)
			if len(told) != 1 || told[0].RequestID != off.ID || told[0].To != "" {
				t.Errorf("told %+v, want one for everybody", told)
			}
			if v := h.MustView(off.ID); v.Subject.ReturnedAt.IsZero() || v.SubjectBarred != out || !v.Settled() {
				t.Errorf("the offboarding shows %+v, out %v", v.Subject, v.SubjectBarred)
			}
			if is, err := h.IsApprover(h.Ctx(), dave); is || err != nil {
				t.Errorf("he is an approver again: %v", err)
			}
			r := h.Ask(alice, time.Hour, "")
			_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
			refuses(t, err, access.Forbidden, "reinstate")
			if out {
				refuses(t, h.Eligible(h.Ctx(), dave), access.Forbidden, "offboarding")
				refuses(t, h.CheckReceiver(h.Ctx(), dave), access.Forbidden, "reinstate")
			} else {
				h.Must(h.Eligible(h.Ctx(), dave))
			}
			h.Pass(time.Hour)
			if left := h.Account.Ours(); len(left) != 0 {
				t.Errorf("keys are back: %v", left)
			}
			h.VerifyAudit()
		})
	}
}

// Whoever has returned may leave again, as often as they like.
func TestWhoCameBackLeavesAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	setStanding(h, alice, access.Deactivated)
	setStanding(h, alice, access.Member)
	h.MustRegister(alice, "alice's next laptop")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	h.Clock.Advance(time.Minute)
	setStanding(h, alice, access.Deactivated)
	h.Work()
	if got := offboardings(h); len(got) != 2 || got[1].State != access.Approved || len(h.Account.Ours()) != 0 {
		t.Errorf("offboardings %+v, keys %v", got, h.Account.Ours())
	}
	refuses(t, h.CheckReceiver(h.Ctx(), alice), access.Forbidden, "deactivated")
	setStanding(h, alice, access.Member)
	if told := h.Notices(access.NoticeReturned); len(told) != 2 || told[1].RequestID != offboardings(h)[1].ID {
		t.Errorf("told %+v", told)
	}
}

// Of somebody whom a person offboarded, only the state of the account changes.
func TestOffboardedByAPersonStaysOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	off := h.MustOffboard(alice)
	setStanding(h, alice, access.Member) // the account was never deactivated
	setStanding(h, alice, access.Deactivated)
	setStanding(h, alice, access.Member)
	if got := offboardings(h); len(got) != 1 {
		t.Errorf("offboardings %+v", got)
	}
	refuses(t, h.Eligible(h.Ctx(), alice), access.Forbidden, "offboarding")
	if v := h.MustView(off.ID); !v.SubjectBarred {
		t.Error("the offboarding says that she may take part")
	}
}

// Slack's event was quicker than the approver's confirmation.
func TestConfirmationJoinsTheOffboardingThatSlackBegan(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	draft, err := h.Offboard(h.Ctx(), workflow.OffboardAsk{Source: "o", Asker: bob, Person: alice})
	h.Must(err)
	setStanding(h, alice, access.Deactivated)
	joined, err := h.Confirm(h.Ctx(), draft.ID, bob, time.Time{})
	h.Must(err)
	got := offboardings(h)
	if len(got) != 2 || joined.ID != got[1].ID || joined.DecidedBy != bob || got[0].State != access.Cancelled {
		t.Errorf("joined %+v of %+v", joined, got)
	}
	if n := len(h.Events(access.DidPersonOffboard)); n != 1 {
		t.Errorf("offboarded %d times", n)
	}
	setStanding(h, alice, access.Member)
	refuses(t, h.Eligible(h.Ctx(), alice), access.Forbidden, "offboarding") // an approver stands behind it
	h.Clock.Advance(time.Minute)
	again, err := h.Offboard(h.Ctx(), workflow.OffboardAsk{Source: "o2", Asker: bob, Person: alice})
	h.Must(err)
	if next, err := h.Confirm(h.Ctx(), again.ID, bob, time.Time{}); err != nil || next.ID != again.ID {
		t.Errorf("a later wish is carried out anew: %+v, %v", next, err)
	}
}

// Guests are treated like the deactivated, and named as what they are.
func TestMemberWhoBecomesAGuestIsOffboarded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*24*time.Hour, "")
	h.Work()
	setStanding(h, alice, access.Guest)
	h.Work()
	got := offboardings(h)
	if len(got) != 1 || got[0].State != access.Approved || !strings.Contains(got[0].Reason, "guest") || got[0].Standing != access.Guest || len(h.Account.Ours()) != 0 {
		t.Errorf("offboardings %+v, keys %v", got, h.Account.Ours())
	}
}

// Who is not found, or is of another workspace, is asked about, and never acted upon.
func TestUnknownAndForeignPeopleAreAskedAbout(t *testing.T) {
	t.Parallel()
	for standing, words := range map[access.Standing]string{access.Nobody: "not known", access.Outsider: "another workspace"} {
		h := newHarness(t, 1)
		h.MustRegister(alice, "alice laptop")
		h.Grant(alice, 10*time.Hour, "")
		h.Work()
		for range 3 {
			setStanding(h, alice, standing)
		}
		got := offboardings(h)
		if len(got) != 1 || got[0].State != access.Pending || !strings.Contains(got[0].Reason, words) || got[0].Standing != standing || len(h.Account.Ours()) != 1 {
			t.Fatalf("%s: offboardings %+v, keys %v", standing, got, h.Account.Ours())
		}
		setStanding(h, alice, access.Member)
		if state := h.State(got[0].ID); state != access.Cancelled {
			t.Errorf("%s: she is back, and the question is %s", standing, state)
		}
	}
}

// Nobody who may not have access is renewed, whatever the approvers decide.
func TestNobodyWhoMayNotHaveAccessIsRenewed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.OffboardDeactivated = workflow.OffboardOff
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*24*time.Hour, "")
	h.Work()
	first := h.Account.Keys[1][0].ID
	setStanding(h, alice, access.Guest)
	h.Pass(11*time.Hour + 30*time.Minute)
	if now := h.Account.Keys[1]; len(now) != 1 || now[0].ID != first {
		t.Fatalf("a guest's key was renewed: %+v", now)
	}
	setStanding(h, alice, access.Member)
	h.Pass(20 * time.Minute)
	if now := h.Account.Keys[1]; len(now) != 1 || now[0].ID == first {
		t.Errorf("a member's key was not renewed: %+v", now)
	}
}

// Slack says of five people within minutes that they left. The first three are offboarded,
// about the others the approvers are asked.
func TestManyDeactivationsAreAskedAbout(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	people := []access.UserID{"U0A", "U0B", "U0C", "U0D", "U0E"}
	for _, id := range people {
		h.MustRegister(id, string(id))
	}
	for _, id := range people {
		setStanding(h, id, access.Deactivated)
		h.Clock.Advance(time.Minute)
	}
	got := offboardings(h)
	for i, want := range []access.RequestState{access.Approved, access.Approved, access.Approved, access.Pending, access.Pending} {
		if got[i].State != want {
			t.Errorf("%s is %s, want %s", got[i].Person, got[i].State, want)
		}
	}
	mustDeny(h, got[3].ID)
	h.Clock.Advance(9 * time.Hour)
	h.Must(h.Sweep(h.Ctx()))
	h.Must(h.FindDeactivated(h.Ctx()))
	if all := offboardings(h); len(all) != 6 || all[5].Person != "U0E" || all[5].State != access.Pending {
		t.Errorf("what was asked is done without an answer, or what was denied asked again: %+v", all)
	}
	h.MustRegister("U0F", "an hour later")
	setStanding(h, "U0F", access.Deactivated)
	if all := offboardings(h); all[len(all)-1].State != access.Approved {
		t.Errorf("one more, long after: %+v", all[len(all)-1])
	}
}
