package access_test

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestHaltIsToldOnceAndWorkGoesOnWhenItIsMended(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	h.account.next = func(int64, bool) fault { return unauthorized }
	h.pass(90 * time.Minute)
	if told := h.notices(access.NoticeHalted); len(told) != 1 || told[0].Detail != "Unauthenticated." {
		t.Errorf("told %+v, want once, in RunCloud's words", told)
	}
	_, err := h.Sync(h.ctx(), access.WorkRemove, 1, func(access.Tx) error { t.Error("settled while halted"); return nil })
	if access.CodeOf(err) != access.Unauthorized {
		t.Errorf("work goes on: %v", err)
	}
	h.must(h.Resume(h.ctx()))
	if told := h.notices(access.NoticeResumed); len(told) != 0 {
		t.Errorf("resumed while it is refused: %+v", told)
	}
	h.account.next = nil
	h.must(h.Resume(h.ctx()))
	h.must(h.Resume(h.ctx()))
	h.work()
	if told := h.notices(access.NoticeResumed); len(told) != 1 {
		t.Errorf("told %d times that it goes on", len(told))
	}
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// A token that may read but not write passes every test and fails at once again.
func TestHaltThatComesBackIsNoNews(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return unauthorized
		}
		return noFault
	}
	h.grant(alice, 24*time.Hour, "")
	quarters := func(n int) {
		for range n {
			h.work()
			h.clock.Advance(15 * time.Second)
			h.must(h.Resume(h.ctx()))
		}
	}
	quarters(8 * 60)
	halted, resumed := len(h.notices(access.NoticeHalted)), len(h.notices(access.NoticeResumed))
	if halted > 2 || resumed != halted-1 {
		t.Errorf("told %d times of a halt and %d times of its end, want a halt to be the last news", halted, resumed)
	}
	if h.account.writes > 32 {
		t.Errorf("%d refused calls in two hours", h.account.writes)
	}
	h.account.next = nil
	h.must(h.Resume(h.ctx()))
	if since, err := h.HaltedSince(h.ctx()); err != nil || since == "" {
		t.Fatalf("tried again at once: %q, %v", since, err)
	}
	restarted := &access.Service{Store: h.Store, Target: h.Target, Directory: h.Directory, Settings: h.Settings, Now: h.Now}
	h.must(restarted.Resume(h.ctx()))
	if since, err := h.HaltedSince(h.ctx()); err != nil || since != "" {
		t.Errorf("not tried after a start: %q, %v", since, err)
	}
	quarters(4 * 15)
	if n := len(h.notices(access.NoticeResumed)); n != halted || len(h.account.ours()) != 1 {
		t.Errorf("mended: told %d times that it goes on, placed %v", n, h.account.ours())
	}
}

func TestNothingIsReadWhileWorkIsHalted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.offboard(alice)
	h.one(access.Work{Kind: access.WorkInspect, ID: 0})
	h.account.next = func(int64, bool) fault { return unauthorized }
	before := h.account.lists
	for range 10 {
		if err := h.Inspect(h.ctx(), 1, func(access.Tx) error { return nil }); access.CodeOf(err) != access.Unauthorized {
			t.Fatalf("inspected: %v", err)
		}
	}
	if n := h.account.lists - before; n != 1 {
		t.Errorf("%d calls, want the one that was refused", n)
	}
}

func TestKeyThatSomebodyElsePlacedIsNotOurs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.account.complete = true
	key := h.register(alice, "alice laptop")
	id := h.account.strange(1, "by hand", "runcloud", key.Authorized()+" alice")
	h.Target = &picky{account: h.account, add: func(int64, access.Credential) (access.Credential, error) {
		return access.Credential{}, &access.Error{Code: access.Invalid, Message: "The key has already been taken."}
	}}
	r := h.grant(alice, time.Hour, "")
	h.work()
	v := h.view(r.ID)
	if got := states(v, access.PhaseAdd); got[access.AlreadyThere] != 1 || !strings.Contains(v.Results[0].Detail, "«by hand»") {
		t.Errorf("results %+v", v.Results)
	}
	h.pass(2 * time.Hour)
	if keys := h.account.keys[1]; len(keys) != 1 || keys[0].ID != id {
		t.Errorf("left %+v, want the one placed by hand", keys)
	}
}

func TestDoublesOfALostAnswerAreRemoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return lost
		}
		return noFault
	}
	h.grant(alice, 5*time.Hour, "")
	h.work()
	h.account.next = nil
	double := h.account.keys[1][0]
	h.account.strange(1, double.Label, double.SystemUser, double.PublicKey) // RunCloud carried it out twice
	h.pass(10 * time.Minute)
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("%d copies, want one", len(got))
	}
	h.pass(5 * time.Hour)
	if got := h.account.ours(); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestInspectionLeavesAKeyThatIsJustBeingPlaced(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	revoke, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: bob, Key: &key})
	h.must(err)
	_, err = h.Confirm(h.ctx(), revoke.ID, bob, time.Time{})
	h.must(err)
	_, err = h.FreeKey(h.ctx(), revoke.ID, dave)
	h.must(err)
	h.register(alice, "alice laptop")                  // it was found again
	h.account.next = func(_ int64, write bool) fault { // the answer to the new grant's POST is lost
		if write {
			return lost
		}
		return noFault
	}
	h.grant(alice, 2*time.Hour, "")
	_, err = h.Sync(h.ctx(), access.WorkAdd, 1, func(access.Tx) error { return nil })
	h.must(err)
	h.account.next = nil
	h.must(h.Inspect(h.ctx(), 1, func(access.Tx) error { return nil }))
	for range 3 {
		h.clock.Advance(10 * time.Second)
		_, err = h.Sync(h.ctx(), access.WorkAdd, 1, func(access.Tx) error { return nil })
		h.must(err)
	}
	h.work()
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("keys %v, want the one of the grant that lives", got)
	}
}

func TestWakeDueFindsWhatNobodyWoke(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.account.offline[2] = true
	h.grant(alice, time.Hour, "")
	off := h.offboard(dave)
	h.work()
	h.clock.Advance(2 * time.Hour) // no sweep has ended the grant, as after a long sleep
	h.must(h.WakeDue(h.ctx()))
	leaving := h.placements(access.PlacementQuery{States: []access.PlacementState{access.PlacementLeaving}})
	if len(leaving) != 2 {
		t.Errorf("%d placements leave, want the two that are over by the clock", len(leaving))
	}
	h.work()
	if left := h.account.ours(); len(left) != 0 || !h.view(off.ID).Settled() {
		t.Errorf("left %v", left)
	}
	h.must(h.WakeDue(h.ctx())) // with nothing due
}

func TestNewGrantDoesNotWaitForADoubtToBeOver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return lostUndone
		}
		return noFault
	}
	h.grant(alice, 5*time.Hour, "")
	h.sync(access.WorkAdd)
	_, err := h.GiveBack(h.ctx(), alice, 0, "x")
	h.must(err)
	h.work()
	h.account.next = nil
	r := h.grant(alice, 2*time.Hour, "")
	h.work()
	if got := states(h.view(r.ID), access.PhaseAdd); got[access.Done] != 1 || len(h.account.ours()) != 1 {
		t.Errorf("additions %v, keys %v", got, h.account.ours())
	}
	h.pass(3 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
