package reconcile_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

// turns counts the calls that wait for the target by their priority.
type turns struct {
	*workflowtest.Account
	taken map[access.Priority]int
}

func (t turns) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	t.taken[p]++
	return t.Account.Acquire(ctx, p)
}

// during returns how many turns of each priority were taken meanwhile.
func (t turns) during(act func()) map[access.Priority]int {
	clear(t.taken)
	act()
	return t.taken
}

func TestCallsWaitByWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	target := turns{h.Account, map[access.Priority]int{}}
	h.SetTarget(target)
	h.MustRegister(alice, "alice laptop")
	only := func(what string, p access.Priority, act func()) {
		t.Helper()
		if taken := target.during(act); taken[p] == 0 || len(taken) != 1 {
			t.Errorf("%s takes turns %v, want those of priority %d alone", what, taken, p)
		}
	}
	only("a grant", access.Addition, func() { h.Grant(alice, 7*24*time.Hour, ""); h.Work() })
	only("a renewal", access.Renewal, func() { h.Pass(11*time.Hour + 40*time.Minute) })
	only("the end of a grant", access.Removal, func() {
		_, err := h.GiveBack(h.Ctx(), alice, 0, "done")
		h.Must(err)
		h.Work()
	})
}

// A grant ends while its renewal waits for its turn: the removal goes on its own, and
// the renewal finds nothing left to do.
func TestRenewalThatEndsWhileItWaitsIsARemoval(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 7*24*time.Hour, "")
	h.Work()
	h.Clock.Advance(11*time.Hour + 50*time.Minute)
	h.Must(h.Sweep(h.Ctx()))
	writes := h.Account.Writes
	h.SetTarget(waiting{h.Account, func() {
		_, err := h.GiveBack(h.Ctx(), alice, 0, "done")
		h.Must(err)
		if woken := wakeDue(h); len(woken) != 1 || woken[0] != (access.Work{Kind: access.WorkRemove, ID: 1}) {
			t.Errorf("woken %v, want the removal", woken)
		}
	}})
	h.One(access.Work{Kind: access.WorkRenew, ID: 1})
	if h.Account.Writes != writes {
		t.Error("the renewal went on")
	}
	h.SetTarget(h.Account)
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 || h.Account.Writes != writes+1 {
		t.Errorf("after %d calls left %v", h.Account.Writes-writes, left)
	}
}

// waiting has something happen while a renewal waits for its turn.
type waiting struct {
	*workflowtest.Account
	meanwhile func()
}

func (w waiting) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	if p == access.Renewal && len(w.Keys[1]) > 0 {
		w.meanwhile()
	}
	return w.Account.Acquire(ctx, p)
}

// Keys that were placed together are renewed one after the other, all of them in time.
func TestRenewalsAreSpreadOverTheTimeTheyHave(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 100)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 7*24*time.Hour, "")
	h.Work()
	h.Pass(10*time.Hour + 50*time.Minute)
	before, most := h.Account.Writes, 0
	for range 6 {
		writes := h.Account.Writes
		h.Pass(10 * time.Minute)
		most = max(most, h.Account.Writes-writes)
	}
	if done := h.Account.Writes - before; done != 200 || most > 100 {
		t.Errorf("%d calls, up to %d in ten minutes, want all 200 and no more than half of them at once", done, most)
	}
	if told := h.Notices(access.NoticeLapsed); len(told) != 0 {
		t.Errorf("lapsed: %+v", told)
	}
}
