package access_test

import (
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestOfManyDecisionsAtTheSameInstantOneHolds(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	verdicts := []access.Decision{
		{RequestID: r.ID, Actor: bob, Verdict: access.Approve}, {RequestID: r.ID, Actor: dave, Verdict: access.Deny, Reason: "no"},
	}
	const clicks = 20
	outcomes, errs := make([]access.Request, clicks), make([]error, clicks)
	var all sync.WaitGroup
	for i := range clicks {
		all.Go(func() { outcomes[i], errs[i] = h.Decide(h.ctx(), verdicts[i%2]) })
	}
	all.Wait()

	stored := h.view(r.ID).Request
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
	if live := h.grants(access.GrantQuery{}); len(live) != map[access.RequestState]int{access.Approved: 1, access.Denied: 0}[stored.State] {
		t.Errorf("%d grants of a request that is %s", len(live), stored.State)
	}
	h.verifyAudit()
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
		"approved":  func(h *harness, id int64) { h.approve(id) },
		"denied":    func(h *harness, id int64) { h.deny(id) },
		"cancelled": func(h *harness, id int64) { h.cancel(id, alice) },
	}
	for word, end := range endings {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.register(alice, "alice laptop")
			r := h.ask(alice, time.Hour, "")
			end(h, r.ID)
			h.unchanged(t, func() {
				for _, verdict := range []access.Verdict{access.Approve, access.Deny} {
					_, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: dave, Verdict: verdict})
					refuses(t, err, access.Conflict, word+" already")
				}
				_, err := h.Cancel(h.ctx(), r.ID, alice)
				refuses(t, err, access.Conflict, word+" already")
				_, err = h.Edit(h.ctx(), access.Edit{RequestID: r.ID, Actor: dave, Duration: new(30 * time.Minute)})
				refuses(t, err, access.Conflict, word+" already")
			})
		})
	}
}

func (h *harness) deny(id int64) {
	h.t.Helper()
	_, err := h.Decide(h.ctx(), access.Decision{RequestID: id, Actor: bob, Verdict: access.Deny, Reason: "no"})
	h.must(err)
}

func (h *harness) cancel(id int64, actor access.UserID) {
	h.t.Helper()
	_, err := h.Cancel(h.ctx(), id, actor)
	h.must(err)
}

func TestOnlyTheAskerCancels(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "s", Asker: carol, Person: alice, Duration: time.Hour})
	h.must(err)
	for _, other := range []access.UserID{alice, bob} {
		_, err := h.Cancel(h.ctx(), r.ID, other)
		refuses(t, err, access.Forbidden, "Only the person who asked")
	}
	h.cancel(r.ID, carol)
	if h.state(r.ID) != access.Cancelled {
		t.Errorf("%s, want cancelled", h.state(r.ID))
	}
}

// Who pressed in time decides, however late the press is carried out: after a crash
// between its acknowledgement and its handling.
func TestPressInTimeCountsHoweverLate(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	requests := []access.Request{h.ask(alice, time.Hour, ""), h.ask(alice, 2*time.Hour, "")}
	end := requests[0].ExpiresAt
	press := access.Envelope{ID: "press", Person: bob, At: end.Add(-time.Second)}
	_, err := h.ledger.Accept(h.ctx(), press, end)
	h.must(err)
	h.clock.Advance(end.Add(time.Hour).Sub(h.clock.Now()))
	h.must(h.Sweep(h.ctx()))
	_, err = h.Decide(h.ctx(), access.Decision{RequestID: requests[0].ID, Actor: bob, Verdict: access.Approve, At: end})
	refuses(t, err, access.Conflict, "expired unanswered")
	_, err = h.Decide(h.ctx(), access.Decision{RequestID: requests[0].ID, Actor: bob, Verdict: access.Approve, At: press.At})
	h.must(err)
	h.must(h.ledger.Handled(h.ctx(), press.ID))
	h.must(h.Sweep(h.ctx()))
	if first, second := h.state(requests[0].ID), h.state(requests[1].ID); first != access.Approved || second != access.Expired {
		t.Errorf("pressed in time: %s, unanswered: %s", first, second)
	}
}

func TestThereIsNoSuchRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	_, err := h.Decide(h.ctx(), access.Decision{RequestID: 77, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.NotFound, "no such request")
	_, err = h.View(h.ctx(), 77)
	refuses(t, err, access.NotFound, "no such request")
	_, err = h.Edit(h.ctx(), access.Edit{RequestID: 77, Actor: bob})
	refuses(t, err, access.NotFound, "no such request")
	for _, act := range []func(id int64) error{
		func(id int64) error { _, err := h.Cancel(h.ctx(), id, alice); return err },
		func(id int64) error { _, err := h.Confirm(h.ctx(), id, bob, time.Time{}); return err },
		func(id int64) error { _, err := h.RetryFailed(h.ctx(), id, bob); return err },
		func(id int64) error { return h.Pick(h.ctx(), id, 1, 1, bob) },
	} {
		if err := act(77); access.CodeOf(err) != access.NotFound {
			t.Errorf("got %v", err)
		}
	}
}

func TestDraftIsItsWritersAloneAndExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 3*time.Hour, "")
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: bob, Person: alice})
	h.must(err)
	if r.State != access.Draft {
		t.Fatalf("an approver's revocation is %s", r.State)
	}
	_, err = h.Confirm(h.ctx(), r.ID, dave, time.Time{})
	refuses(t, err, access.Forbidden, "Only the person who wrote this")
	_, err = h.Confirm(h.ctx(), r.ID, alice, time.Time{})
	refuses(t, err, access.Forbidden, "Only an approver")
	_, err = h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "not been confirmed")
	h.clock.Advance(15 * time.Minute)
	_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
	refuses(t, err, access.Conflict, "expired")
	h.must(h.Sweep(h.ctx()))
	_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
	refuses(t, err, access.Conflict, "expired")
	if len(h.grants(access.GrantQuery{State: access.Live})) != 1 {
		t.Errorf("a draft that was never confirmed ended access")
	}
}

func TestDraftIsConfirmedOnceOrCancelled(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 3*time.Hour, "")
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: bob, Person: alice})
	h.must(err)
	_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
	h.must(err)
	_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
	refuses(t, err, access.Conflict, "approved already")

	other, err := h.Offboard(h.ctx(), access.OffboardAsk{Source: "o", Asker: bob, Person: alice})
	h.must(err)
	h.cancel(other.ID, bob)
	_, err = h.Confirm(h.ctx(), other.ID, bob, time.Time{})
	refuses(t, err, access.Conflict, "cancelled already")
	h.must(h.Eligible(h.ctx(), alice))
}

func TestWhoMayOffboardWhom(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.people.set("U0NOBODY", access.Nobody)
	for _, tt := range []struct {
		asker, person access.UserID
		code          access.Code
		words         string
	}{
		{carol, alice, access.Forbidden, "Only an approver"},
		{bob, bob, access.Forbidden, "Nobody offboards themself"},
		{bob, "U0NOBODY", access.NotFound, "Slack knows no such user"},
	} {
		_, err := h.Offboard(h.ctx(), access.OffboardAsk{Source: h.nextSource(), Asker: tt.asker, Person: tt.person})
		refuses(t, err, tt.code, tt.words)
	}
	h.register(alice, "alice laptop")
	h.people.set(alice, access.Nobody) // Slack has forgotten her, the ledger has not
	_, err := h.Offboard(h.ctx(), access.OffboardAsk{Source: "o", Asker: bob, Person: alice})
	h.must(err)
}

// Nobody can decide: the approvers left, or a setting names others by mistake. The
// request waits, says so, and goes on when that is mended.
func TestRequestThatNobodyIsLeftToDecideWaits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *harness, broken bool){
		"the approvers left": func(h *harness, broken bool) {
			standing := map[bool]access.Standing{true: access.Deactivated, false: access.Member}[broken]
			h.people.set(bob, standing)
			h.people.set(dave, standing)
		},
		"a mistake in the setting": func(h *harness, broken bool) {
			h.people.set("U0NIX", access.Nobody)
			h.Settings.Approvers = map[bool][]string{true: {"U0NIX"}, false: {string(bob)}}[broken]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.register(alice, "alice laptop")
			r := h.ask(alice, time.Hour, "")
			look := func(want bool) {
				t.Helper()
				h.clock.Advance(time.Minute)
				shown := h.view(r.ID).Drawing.Version
				for range 2 {
					h.must(h.FindUndecidable(h.ctx()))
				}
				v := h.view(r.ID)
				if v.Request.State != access.Pending || v.Request.Undecidable != want {
					t.Errorf("it is %s, undecidable %v, want %v", v.Request.State, v.Request.Undecidable, want)
				}
				if redrawn := v.Drawing.Version - shown; redrawn > 1 || (redrawn == 1) != (len(h.events("request.undecidable")) > 0) {
					t.Errorf("it was drawn %d times", redrawn)
				}
			}
			look(false)
			change(h, true)
			look(true)
			change(h, false)
			look(false)
			h.approve(r.ID)
			h.work()
			if len(h.account.ours()) != 1 {
				t.Error("it did not go on")
			}
			h.verifyAudit()
		})
	}
}

func TestUndecidableRequestStillExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	h.Settings.Approvers = []string{string(alice)}
	h.must(h.FindUndecidable(h.ctx()))
	h.clock.Advance(h.Settings.RequestTTL)
	h.must(h.Sweep(h.ctx()))
	if got := h.state(r.ID); got != access.Expired {
		t.Errorf("it is %s", got)
	}
}
