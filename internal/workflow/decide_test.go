package workflow_test

import (
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/workflow"
)

func TestOfManyDecisionsAtTheSameInstantOneHolds(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	verdicts := []workflow.Decision{
		{RequestID: r.ID, Actor: bob, Verdict: access.Approve}, {RequestID: r.ID, Actor: dave, Verdict: access.Deny, Reason: "no"},
	}
	const clicks = 20
	outcomes, errs := make([]access.Request, clicks), make([]error, clicks)
	var all sync.WaitGroup
	for i := range clicks {
		all.Go(func() { outcomes[i], errs[i] = h.Decide(h.Ctx(), verdicts[i%2]) })
	}
	all.Wait()

	stored := h.MustView(r.ID).Request
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			if outcomes[i].DecidedBy != stored.DecidedBy || outcomes[i].State != stored.State {
				t.Errorf("the winner was told %+v, the ledger holds %+v", outcomes[i], stored)
			}
			continue
		}
		if told := asError(t, err); told.Code != access.Conflict || told.Who != stored.DecidedBy || !told.When.Equal(stored.DecidedAt) {
			t.Errorf("a loser was told %+v, want that %s was first", told, stored.DecidedBy)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners", winners)
	}
	if live := h.Grants(access.GrantQuery{}); len(live) != map[access.RequestState]int{access.Approved: 1, access.Denied: 0}[stored.State] {
		t.Errorf("%d grants of a request that is %s", len(live), stored.State)
	}
	h.VerifyAudit()
}

func asError(t *testing.T, err error) *access.Error {
	t.Helper()
	own, ok := err.(*access.Error) //nolint:errorlint // the very type that callers are shown
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	return own
}

func TestLateClicksAreToldHowItEnded(t *testing.T) {
	t.Parallel()
	endings := map[string]func(h *harness, id int64){
		"approved":  func(h *harness, id int64) { h.Approve(id) },
		"denied":    func(h *harness, id int64) { mustDeny(h, id) },
		"withdrawn": func(h *harness, id int64) { mustCancel(h, id, alice) },
	}
	for word, end := range endings {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.MustRegister(alice, "alice laptop")
			r := h.Ask(alice, time.Hour, "")
			end(h, r.ID)
			h.Unchanged(t, func() {
				for _, verdict := range []access.Verdict{access.Approve, access.Deny} {
					_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: verdict})
					refuses(t, err, access.Conflict, word+" already")
				}
				_, err := h.Cancel(h.Ctx(), r.ID, alice)
				refuses(t, err, access.Conflict, word+" already")
				_, err = h.Edit(h.Ctx(), workflow.Edit{RequestID: r.ID, Actor: dave, Duration: new(30 * time.Minute)})
				refuses(t, err, access.Conflict, word+" already")
			})
		})
	}
}

func mustDeny(h *harness, id int64) {
	h.T.Helper()
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: id, Actor: bob, Verdict: access.Deny, Reason: "no"})
	h.Must(err)
}

func mustCancel(h *harness, id int64, actor access.UserID) {
	h.T.Helper()
	_, err := h.Cancel(h.Ctx(), id, actor)
	h.Must(err)
}

func TestOnlyTheAskerCancels(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: carol, Person: alice, Duration: time.Hour})
	h.Must(err)
	for _, other := range []access.UserID{alice, bob} {
		_, err := h.Cancel(h.Ctx(), r.ID, other)
		refuses(t, err, access.Forbidden, "Only the person who asked")
	}
	mustCancel(h, r.ID, carol)
	if h.State(r.ID) != access.Cancelled {
		t.Errorf("%s, want cancelled", h.State(r.ID))
	}
}

// Who pressed in time decides, however late the press is carried out: after a crash
// between its acknowledgement and its handling.
func TestPressInTimeCountsHoweverLate(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	requests := []access.Request{h.Ask(alice, time.Hour, ""), h.Ask(alice, 2*time.Hour, "")}
	end := requests[0].ExpiresAt
	press := delivery.Envelope{ID: "press", Person: bob, At: end.Add(-time.Second)}
	_, err := h.Ledger.Accept(h.Ctx(), press, end)
	h.Must(err)
	h.Clock.Advance(end.Add(time.Hour).Sub(h.Clock.Now()))
	h.Must(h.Sweep(h.Ctx()))
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: requests[0].ID, Actor: bob, Verdict: access.Approve, At: end})
	refuses(t, err, access.Conflict, "expired unanswered")
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: requests[0].ID, Actor: bob, Verdict: access.Approve, At: press.At})
	h.Must(err)
	h.Must(h.Ledger.Handled(h.Ctx(), press.ID))
	h.Must(h.Sweep(h.Ctx()))
	if first, second := h.State(requests[0].ID), h.State(requests[1].ID); first != access.Approved || second != access.Expired {
		t.Errorf("pressed in time: %s, unanswered: %s", first, second)
	}
}

func TestThereIsNoSuchRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: 77, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.NotFound, "no such request")
	_, err = h.View(h.Ctx(), 77)
	refuses(t, err, access.NotFound, "no such request")
	_, err = h.Edit(h.Ctx(), workflow.Edit{RequestID: 77, Actor: bob})
	refuses(t, err, access.NotFound, "no such request")
	for _, act := range []func(id int64) error{
		func(id int64) error { _, err := h.Cancel(h.Ctx(), id, alice); return err },
		func(id int64) error { _, err := h.Confirm(h.Ctx(), id, bob, time.Time{}); return err },
		func(id int64) error { _, err := h.RetryFailed(h.Ctx(), id, bob); return err },
		func(id int64) error { return h.Pick(h.Ctx(), id, 1, "1", bob) },
	} {
		if err := act(77); access.CodeOf(err) != access.NotFound {
			t.Errorf("got %v", err)
		}
	}
}

func TestDraftIsItsWritersAloneAndExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 3*time.Hour, "")
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Person: alice})
	h.Must(err)
	if r.State != access.Draft {
		t.Fatalf("an approver's revocation is %s", r.State)
	}
	_, err = h.Confirm(h.Ctx(), r.ID, dave, time.Time{})
	refuses(t, err, access.Forbidden, "Only the person who wrote this")
	_, err = h.Confirm(h.Ctx(), r.ID, alice, time.Time{})
	refuses(t, err, access.Forbidden, "Only an approver")
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "not been confirmed")
	h.Clock.Advance(15 * time.Minute)
	_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	refuses(t, err, access.Conflict, "expired")
	h.Must(h.Sweep(h.Ctx()))
	_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	refuses(t, err, access.Conflict, "expired")
	if len(h.Grants(access.GrantQuery{State: access.Live})) != 1 {
		t.Errorf("a draft that was never confirmed ended access")
	}
}

func TestDraftIsConfirmedOnceOrCancelled(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 3*time.Hour, "")
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Person: alice})
	h.Must(err)
	_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	h.Must(err)
	_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	refuses(t, err, access.Conflict, "approved already")

	other, err := h.Offboard(h.Ctx(), workflow.OffboardAsk{Source: "o", Asker: bob, Person: alice})
	h.Must(err)
	mustCancel(h, other.ID, bob)
	_, err = h.Confirm(h.Ctx(), other.ID, bob, time.Time{})
	refuses(t, err, access.Conflict, "withdrawn already")
	h.Must(h.Eligible(h.Ctx(), alice))
}

func TestWhoMayOffboardWhom(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.People.Set("U0NOBODY", access.Nobody)
	for _, tt := range []struct {
		asker, person access.UserID
		code          access.Code
		words         string
	}{
		{carol, alice, access.Forbidden, "Only an approver"},
		{bob, bob, access.Forbidden, "Nobody offboards themself"},
		{bob, "U0NOBODY", access.NotFound, "the directory knows no such user"},
	} {
		_, err := h.Offboard(h.Ctx(), workflow.OffboardAsk{Source: h.NextSource(), Asker: tt.asker, Person: tt.person})
		refuses(t, err, tt.code, tt.words)
	}
	h.MustRegister(alice, "alice laptop")
	h.People.Set(alice, access.Nobody) // Slack has forgotten her, the ledger has not
	_, err := h.Offboard(h.Ctx(), workflow.OffboardAsk{Source: "o", Asker: bob, Person: alice})
	h.Must(err)
}

// Nobody can decide: the approvers left, or a setting names others by mistake. The
// request waits, says so, and goes on when that is mended.
func TestRequestThatNobodyIsLeftToDecideWaits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *harness, broken bool){
		"the approvers left": func(h *harness, broken bool) {
			standing := map[bool]access.Standing{true: access.Deactivated, false: access.Member}[broken]
			h.People.Set(bob, standing)
			h.People.Set(dave, standing)
		},
		"a mistake in the setting": func(h *harness, broken bool) {
			h.People.Set("U0NIX", access.Nobody)
			h.Settings.Approvers = map[bool][]string{true: {"U0NIX"}, false: {string(bob)}}[broken]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.MustRegister(alice, "alice laptop")
			r := h.Ask(alice, time.Hour, "")
			look := func(want bool) {
				t.Helper()
				h.Clock.Advance(time.Minute)
				shown := h.Announced(r.ID)
				for range 2 {
					h.Must(h.FindUndecidable(h.Ctx()))
				}
				v := h.MustView(r.ID)
				if v.Request.State != access.Pending || v.Request.Undecidable != want {
					t.Errorf("it is %s, undecidable %v, want %v", v.Request.State, v.Request.Undecidable, want)
				}
				if redrawn := h.Announced(r.ID) - shown; redrawn > 1 || (redrawn == 1) != (len(h.Events(access.DidRequestUndecidable)) > 0) {
					t.Errorf("it was drawn %d times", redrawn)
				}
			}
			look(false)
			change(h, true)
			look(true)
			change(h, false)
			look(false)
			h.Approve(r.ID)
			h.Work()
			if len(h.Account.Ours()) != 1 {
				t.Error("it did not go on")
			}
			h.VerifyAudit()
		})
	}
}

func TestUndecidableRequestStillExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	h.Settings.Approvers = []string{string(alice)}
	h.Must(h.FindUndecidable(h.Ctx()))
	h.Clock.Advance(h.Settings.RequestTTL)
	h.Must(h.Sweep(h.Ctx()))
	if got := h.State(r.ID); got != access.Expired {
		t.Errorf("it is %s", got)
	}
}
