package access_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// turns counts the calls that wait for the target by their priority.
type turns struct {
	*account
	taken map[access.Priority]int
}

func (t turns) Turn(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	t.taken[p]++
	return t.account.Turn(ctx, p)
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
	target := turns{h.account, map[access.Priority]int{}}
	h.Target = target
	h.register(alice, "alice laptop")
	only := func(what string, p access.Priority, act func()) {
		t.Helper()
		if taken := target.during(act); taken[p] == 0 || len(taken) != 1 {
			t.Errorf("%s takes turns %v, want those of priority %d alone", what, taken, p)
		}
	}
	only("a grant", access.Addition, func() { h.grant(alice, 7*24*time.Hour, ""); h.work() })
	only("a renewal", access.Renewal, func() { h.pass(11*time.Hour + 40*time.Minute) })
	only("the end of a grant", access.Removal, func() {
		_, err := h.GiveBack(h.ctx(), alice, 0, "done")
		h.must(err)
		h.work()
	})
}

// A grant ends while its renewal waits for its turn: the removal goes on its own, and
// the renewal finds nothing left to do.
func TestRenewalThatEndsWhileItWaitsIsARemoval(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 7*24*time.Hour, "")
	h.work()
	h.clock.Advance(11*time.Hour + 50*time.Minute)
	h.must(h.Sweep(h.ctx()))
	writes := h.account.writes
	h.Target = waiting{h.account, func() {
		_, err := h.GiveBack(h.ctx(), alice, 0, "done")
		h.must(err)
		if woken := h.wake(); len(woken) != 1 || woken[0] != (access.Work{Kind: access.WorkRemove, ID: 1}) {
			t.Errorf("woken %v, want the removal", woken)
		}
	}}
	h.one(access.Work{Kind: access.WorkRenew, ID: 1})
	if h.account.writes != writes {
		t.Error("the renewal went on")
	}
	h.Target = h.account
	h.work()
	if left := h.account.ours(); len(left) != 0 || h.account.writes != writes+1 {
		t.Errorf("after %d calls left %v", h.account.writes-writes, left)
	}
}

// waiting has something happen while a renewal waits for its turn.
type waiting struct {
	*account
	meanwhile func()
}

func (w waiting) Turn(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	if p == access.Renewal && len(w.keys[1]) > 0 {
		w.meanwhile()
	}
	return w.account.Turn(ctx, p)
}

// Keys that were placed together are renewed one after the other, all of them in time.
func TestRenewalsAreSpreadOverTheTimeTheyHave(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 100)
	h.register(alice, "alice laptop")
	h.grant(alice, 7*24*time.Hour, "")
	h.work()
	h.pass(10*time.Hour + 50*time.Minute)
	before, most := h.account.writes, 0
	for range 6 {
		writes := h.account.writes
		h.pass(10 * time.Minute)
		most = max(most, h.account.writes-writes)
	}
	if done := h.account.writes - before; done != 200 || most > 100 {
		t.Errorf("%d calls, up to %d in ten minutes, want all 200 and no more than half of them at once", done, most)
	}
	if told := h.notices(access.NoticeLapsed); len(told) != 0 {
		t.Errorf("lapsed: %+v", told)
	}
}
