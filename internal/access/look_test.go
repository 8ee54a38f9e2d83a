package access_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// landsLate has a call of alice's grant land so long after it was made, while her access
// ends and is said to be removed.
func landsLate(t *testing.T, after time.Duration, end func(h *harness, granted access.Request) access.Request) (h *harness, ended access.Request) {
	t.Helper()
	h = newHarness(t, 1)
	h.EngineSettings.LongGrants = access.Permanent
	h.register(alice, "alice laptop")
	granted := h.grant(alice, 7*24*time.Hour, "")
	h.account.lateBy = after
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return late
		}
		return noFault
	}
	h.sync(access.WorkAdd)
	h.account.next = nil
	return h, end(h, granted)
}

func TestCallThatLandsAfterOffboardedWasSaid(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"ten minutes": 10 * time.Minute, "three hours": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, off := landsLate(t, after, func(h *harness, _ access.Request) access.Request { return h.offboard(alice) })
			for range 6 {
				h.clock.Advance(time.Minute)
				h.must(h.Sweep(h.ctx()))
				h.work()
			}
			h.settled(t, off.ID, true, "nothing was seen of it")
			h.clock.Advance(after)
			if left := h.account.ours(); len(left) != 1 {
				t.Fatalf("it has not landed: %v", left)
			}
			h.account.offline[1] = true // so that what is said meanwhile can be seen
			h.pass(12*time.Hour + 10*time.Minute)
			h.settled(t, off.ID, false, "its key has turned up")
			if told := h.notices(access.NoticeUnsaid); len(told) != 1 || told[0].RequestID != off.ID {
				t.Errorf("told %+v, want that the announcement is taken back", told)
			}
			h.account.offline[1] = false
			h.pass(40 * time.Minute) // after half a day it is asked about twice an hour
			h.settled(t, off.ID, true, "it was removed")
			if left := h.account.ours(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
			h.verifyAudit()
		})
	}
}

func TestCallThatLandsAfterAGrantEnded(t *testing.T) {
	t.Parallel()
	h, r := landsLate(t, 10*time.Minute, func(h *harness, granted access.Request) access.Request {
		_, err := h.GiveBack(h.ctx(), alice, 0, "x")
		h.must(err)
		return granted
	})
	h.pass(80 * time.Minute)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	h.settled(t, r.ID, true, "it was removed")
}

// A call that lands while its key has been placed by another leaves a double.
func TestCallThatLandsBesideItsKey(t *testing.T) {
	t.Parallel()
	h, _ := landsLate(t, 10*time.Minute, func(_ *harness, granted access.Request) access.Request { return granted })
	h.pass(10 * time.Minute)
	h.pass(2 * time.Hour)
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("keys %v, want one", got)
	}
}

func TestLookingAgainCostsOneListForEachServer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "one")
	h.register(alice, "two")
	h.grant(alice, 10*time.Hour, "")
	h.work()
	h.offboard(alice)
	h.work()
	h.account.lists = 0
	h.pass(26 * time.Hour)
	if h.account.lists != 6 {
		t.Errorf("%d lists, want one after an hour and one after twelve of each server", h.account.lists)
	}
	h.register(carol, "carol laptop")
	h.grant(carol, time.Hour, "")
	h.work()
	h.account.lists = 0
	h.pass(26 * time.Hour)
	if h.account.lists != 0 {
		t.Errorf("%d lists after the end of a grant whose calls were all answered", h.account.lists)
	}
}
