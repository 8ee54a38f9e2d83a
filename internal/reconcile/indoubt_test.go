package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestHaltIsToldOnceAndWorkGoesOnWhenItIsMended(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Unauthorized }
	h.Pass(90 * time.Minute)
	if told := h.Notices(access.NoticeHalted); len(told) != 1 || told[0].Detail != "Unauthenticated." {
		t.Errorf("told %+v, want once, in RunCloud's words", told)
	}
	_, err := h.Engine.Sync(h.Ctx(), access.WorkRemove, 1, func(access.Tx) error { t.Error("settled while halted"); return nil })
	if access.CodeOf(err) != access.Unauthorized {
		t.Errorf("work goes on: %v", err)
	}
	h.Must(h.Engine.Resume(h.Ctx()))
	if told := h.Notices(access.NoticeResumed); len(told) != 0 {
		t.Errorf("resumed while it is refused: %+v", told)
	}
	h.Account.Next = nil
	h.Must(h.Engine.Resume(h.Ctx()))
	h.Must(h.Engine.Resume(h.Ctx()))
	h.Work()
	if told := h.Notices(access.NoticeResumed); len(told) != 1 {
		t.Errorf("told %d times that it goes on", len(told))
	}
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// A token that may read but not write passes every test and fails at once again.
func TestHaltThatComesBackIsNoNews(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Unauthorized
		}
		return workflowtest.NoFault
	}
	h.Grant(alice, 24*time.Hour, "")
	quarters := func(n int) {
		for range n {
			h.Work()
			h.Clock.Advance(15 * time.Second)
			h.Must(h.Engine.Resume(h.Ctx()))
		}
	}
	quarters(8 * 60)
	halted, resumed := len(h.Notices(access.NoticeHalted)), len(h.Notices(access.NoticeResumed))
	if halted > 2 || resumed != halted-1 {
		t.Errorf("told %d times of a halt and %d times of its end, want a halt to be the last news", halted, resumed)
	}
	if h.Account.Writes > 32 {
		t.Errorf("%d refused calls in two hours", h.Account.Writes)
	}
	h.Account.Next = nil
	h.Must(h.Engine.Resume(h.Ctx()))
	if !h.Halted() {
		t.Fatal("tried again at once")
	}
	restarted := &reconcile.Engine{Store: h.Store, Targets: h.Engine.Targets, Directory: h.Directory, Settings: h.Engine.Settings, Now: h.Now}
	h.Must(restarted.Resume(h.Ctx()))
	if h.Halted() {
		t.Error("not tried after a start")
	}
	quarters(4 * 15)
	if n := len(h.Notices(access.NoticeResumed)); n != halted || len(h.Account.Ours()) != 1 {
		t.Errorf("mended: told %d times that it goes on, placed %v", n, h.Account.Ours())
	}
}

func TestNothingIsReadWhileWorkIsHalted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.MustOffboard(alice)
	h.One(access.Work{Kind: access.WorkList, ID: 1})
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Unauthorized }
	before := h.Account.Lists
	for range 10 {
		if err := h.Engine.Inspect(h.Ctx(), 1, func(access.Tx) error { return nil }); access.CodeOf(err) != access.Unauthorized {
			t.Fatalf("inspected: %v", err)
		}
	}
	if n := h.Account.Lists - before; n != 1 {
		t.Errorf("%d calls, want the one that was refused", n)
	}
}

func TestKeyThatSomebodyElsePlacedIsNotOurs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Account.Complete = true
	key := h.MustRegister(alice, "alice laptop")
	id := h.Account.AddKey(1, "by hand", "runcloud", key.Authorized()+" alice")
	h.SetTarget(&workflowtest.Picky{Account: h.Account, OnAdd: func(string, access.Credential) (access.Credential, error) {
		return access.Credential{}, &access.Error{Code: access.Invalid, Message: "The key has already been taken."}
	}})
	r := h.Grant(alice, time.Hour, "")
	h.Work()
	v := h.MustView(r.ID)
	if got := workflowtest.States(v, access.PhaseAdd); got[access.AlreadyThere] != 1 || !strings.Contains(v.Results[0].Detail, "«by hand»") {
		t.Errorf("results %+v", v.Results)
	}
	h.Pass(2 * time.Hour)
	if keys := h.Account.Keys[1]; len(keys) != 1 || keys[0].ID != id {
		t.Errorf("left %+v, want the one placed by hand", keys)
	}
}

func TestDoublesOfALostAnswerAreRemoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Lost
		}
		return workflowtest.NoFault
	}
	h.Grant(alice, 5*time.Hour, "")
	h.Work()
	h.Account.Next = nil
	double := h.Account.Keys[1][0]
	h.Account.AddKey(1, double.Label, double.SystemUser, double.PublicKey) // RunCloud carried it out twice
	h.Pass(10 * time.Minute)
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("%d copies, want one", len(got))
	}
	h.Pass(5 * time.Hour)
	if got := h.Account.Ours(); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestInspectionLeavesAKeyThatIsJustBeingPlaced(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(alice, "alice laptop")
	revoke, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Key: &key})
	h.Must(err)
	_, err = h.Confirm(h.Ctx(), revoke.ID, bob, time.Time{})
	h.Must(err)
	_, err = h.FreeKey(h.Ctx(), revoke.ID, dave)
	h.Must(err)
	h.MustRegister(alice, "alice laptop")                           // it was found again
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault { // the answer to the new grant's POST is lost
		if write {
			return workflowtest.Lost
		}
		return workflowtest.NoFault
	}
	h.Grant(alice, 2*time.Hour, "")
	_, err = h.Engine.Sync(h.Ctx(), access.WorkAdd, 1, func(access.Tx) error { return nil })
	h.Must(err)
	h.Account.Next = nil
	h.Must(h.Engine.Inspect(h.Ctx(), 1, func(access.Tx) error { return nil }))
	for range 3 {
		h.Clock.Advance(10 * time.Second)
		_, err = h.Engine.Sync(h.Ctx(), access.WorkAdd, 1, func(access.Tx) error { return nil })
		h.Must(err)
	}
	h.Work()
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("keys %v, want the one of the grant that lives", got)
	}
}

func TestWakeDueFindsWhatNobodyWoke(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Account.Offline[2] = true
	h.Grant(alice, time.Hour, "")
	off := h.MustOffboard(dave)
	h.Work()
	h.Clock.Advance(2 * time.Hour) // no sweep has ended the grant, as after a long sleep
	h.Must(h.Engine.WakeDue(h.Ctx()))
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 || !h.MustView(off.ID).Settled() {
		t.Errorf("left %v", left)
	}
	h.Must(h.Engine.WakeDue(h.Ctx())) // with nothing due
}

func TestNewGrantDoesNotWaitForADoubtToBeOver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.LostUndone
		}
		return workflowtest.NoFault
	}
	h.Grant(alice, 5*time.Hour, "")
	h.Sync(access.WorkAdd)
	_, err := h.GiveBack(h.Ctx(), alice, 0, "x")
	h.Must(err)
	h.Work()
	h.Account.Next = nil
	r := h.Grant(alice, 2*time.Hour, "")
	h.Work()
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Done] != 1 || len(h.Account.Ours()) != 1 {
		t.Errorf("additions %v, keys %v", got, h.Account.Ours())
	}
	h.Pass(3 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
