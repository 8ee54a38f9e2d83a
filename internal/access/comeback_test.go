package access_test

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func (h *harness) is(id access.UserID, standing access.Standing) {
	h.t.Helper()
	h.people.set(id, standing)
	h.must(h.Left(h.ctx(), id))
}

// Dave, an approver, is deactivated, and the account is active again: nothing of his is
// back by itself, and it is told once, where the offboarding was.
func TestWhoComesBackHasNeitherAccessNorRights(t *testing.T) {
	t.Parallel()
	for mode, out := range map[access.OffboardMode]bool{access.OffboardRun: false, access.OffboardAsks: true} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.Settings.OffboardDeactivated = mode
			h.register(dave, "dave laptop")
			h.register(alice, "alice laptop")
			h.grant(dave, 10*time.Hour, "")
			h.work()
			h.is(dave, access.Deactivated)
			off := h.offboardings()[0]
			if out { // somebody decides it
				h.approve(off.ID)
			}
			h.work()
			for range 3 {
				h.is(dave, access.Member)
			}
			told := h.notices(access.NoticeReturned)
			if len(told) != 1 || told[0].RequestID != off.ID || told[0].To != "" {
				t.Errorf("told %+v, want one for everybody", told)
			}
			if v := h.view(off.ID); v.Leaver.ReturnedAt.IsZero() || v.LeaverOut != out || !v.Settled() {
				t.Errorf("the offboarding shows %+v, out %v", v.Leaver, v.LeaverOut)
			}
			if is, err := h.IsApprover(h.ctx(), dave); is || err != nil {
				t.Errorf("he is an approver again: %v", err)
			}
			r := h.ask(alice, time.Hour, "")
			_, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
			refuses(t, err, access.Forbidden, "reinstate")
			if out {
				refuses(t, h.Eligible(h.ctx(), dave), access.Forbidden, "offboarding")
				refuses(t, h.CheckReceiver(h.ctx(), dave), access.Forbidden, "reinstate")
			} else {
				h.must(h.Eligible(h.ctx(), dave))
			}
			h.pass(time.Hour)
			if left := h.account.ours(); len(left) != 0 {
				t.Errorf("keys are back: %v", left)
			}
			h.verifyAudit()
		})
	}
}

// Whoever has returned may leave again, as often as they like.
func TestWhoCameBackLeavesAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.is(alice, access.Deactivated)
	h.is(alice, access.Member)
	h.register(alice, "alice's next laptop")
	h.grant(alice, 10*time.Hour, "")
	h.work()
	h.clock.Advance(time.Minute)
	h.is(alice, access.Deactivated)
	h.work()
	if got := h.offboardings(); len(got) != 2 || got[1].State != access.Approved || len(h.account.ours()) != 0 {
		t.Errorf("offboardings %+v, keys %v", got, h.account.ours())
	}
	refuses(t, h.CheckReceiver(h.ctx(), alice), access.Forbidden, "deactivated")
	h.is(alice, access.Member)
	if told := h.notices(access.NoticeReturned); len(told) != 2 || told[1].RequestID != h.offboardings()[1].ID {
		t.Errorf("told %+v", told)
	}
}

// Of somebody whom a person offboarded, only the state of the account changes.
func TestOffboardedByAPersonStaysOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	off := h.offboard(alice)
	h.is(alice, access.Member) // the account was never deactivated
	h.is(alice, access.Deactivated)
	h.is(alice, access.Member)
	if got := h.offboardings(); len(got) != 1 {
		t.Errorf("offboardings %+v", got)
	}
	refuses(t, h.Eligible(h.ctx(), alice), access.Forbidden, "offboarding")
	if v := h.view(off.ID); !v.LeaverOut {
		t.Error("the offboarding says that she may take part")
	}
}

// Slack's event was quicker than the approver's confirmation.
func TestConfirmationJoinsTheOffboardingThatSlackBegan(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 10*time.Hour, "")
	draft, err := h.Offboard(h.ctx(), access.OffboardAsk{Source: "o", Asker: bob, Person: alice})
	h.must(err)
	h.is(alice, access.Deactivated)
	joined, err := h.Confirm(h.ctx(), draft.ID, bob, time.Time{})
	h.must(err)
	got := h.offboardings()
	if len(got) != 2 || joined.ID != got[1].ID || joined.DecidedBy != bob || got[0].State != access.Cancelled {
		t.Errorf("joined %+v of %+v", joined, got)
	}
	if n := len(h.events("person.offboard")); n != 1 {
		t.Errorf("offboarded %d times", n)
	}
	h.is(alice, access.Member)
	refuses(t, h.Eligible(h.ctx(), alice), access.Forbidden, "offboarding") // an approver stands behind it
	h.clock.Advance(time.Minute)
	again, err := h.Offboard(h.ctx(), access.OffboardAsk{Source: "o2", Asker: bob, Person: alice})
	h.must(err)
	if next, err := h.Confirm(h.ctx(), again.ID, bob, time.Time{}); err != nil || next.ID != again.ID {
		t.Errorf("a later wish is carried out anew: %+v, %v", next, err)
	}
}

// Guests are treated like the deactivated, and named as what they are.
func TestMemberWhoBecomesAGuestIsOffboarded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 10*24*time.Hour, "")
	h.work()
	h.is(alice, access.Guest)
	h.work()
	got := h.offboardings()
	if len(got) != 1 || got[0].State != access.Approved || !strings.Contains(got[0].Reason, "guest") || len(h.account.ours()) != 0 {
		t.Errorf("offboardings %+v, keys %v", got, h.account.ours())
	}
}

// Who is not found, or is of another workspace, is asked about, and never acted upon.
func TestUnknownAndForeignPeopleAreAskedAbout(t *testing.T) {
	t.Parallel()
	for standing, words := range map[access.Standing]string{access.Nobody: "not known", access.Outsider: "another workspace"} {
		h := newHarness(t, 1)
		h.register(alice, "alice laptop")
		h.grant(alice, 10*time.Hour, "")
		h.work()
		for range 3 {
			h.is(alice, standing)
		}
		got := h.offboardings()
		if len(got) != 1 || got[0].State != access.Pending || !strings.Contains(got[0].Reason, words) || len(h.account.ours()) != 1 {
			t.Fatalf("%s: offboardings %+v, keys %v", standing, got, h.account.ours())
		}
		h.is(alice, access.Member)
		if state := h.state(got[0].ID); state != access.Cancelled {
			t.Errorf("%s: she is back, and the question is %s", standing, state)
		}
	}
}

// Nobody who may not have access is renewed, whatever the approvers decide.
func TestNobodyWhoMayNotHaveAccessIsRenewed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.OffboardDeactivated = access.OffboardOff
	h.register(alice, "alice laptop")
	h.grant(alice, 10*24*time.Hour, "")
	h.work()
	first := h.account.keys[1][0].ID
	h.is(alice, access.Guest)
	h.pass(11*time.Hour + 30*time.Minute)
	if now := h.account.keys[1]; len(now) != 1 || now[0].ID != first {
		t.Fatalf("a guest's key was renewed: %+v", now)
	}
	h.is(alice, access.Member)
	h.pass(20 * time.Minute)
	if now := h.account.keys[1]; len(now) != 1 || now[0].ID == first {
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
		h.register(id, string(id))
	}
	for _, id := range people {
		h.is(id, access.Deactivated)
		h.clock.Advance(time.Minute)
	}
	got := h.offboardings()
	for i, want := range []access.RequestState{access.Approved, access.Approved, access.Approved, access.Pending, access.Pending} {
		if got[i].State != want {
			t.Errorf("%s is %s, want %s", got[i].Person, got[i].State, want)
		}
	}
	h.deny(got[3].ID)
	h.clock.Advance(9 * time.Hour)
	h.must(h.Sweep(h.ctx()))
	h.must(h.FindLeavers(h.ctx()))
	if all := h.offboardings(); len(all) != 6 || all[5].Person != "U0E" || all[5].State != access.Pending {
		t.Errorf("what was asked is done without an answer, or what was denied asked again: %+v", all)
	}
	h.register("U0F", "an hour later")
	h.is("U0F", access.Deactivated)
	if all := h.offboardings(); all[len(all)-1].State != access.Approved {
		t.Errorf("one more, long after: %+v", all[len(all)-1])
	}
}
