package reconcile_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow/workflowtest"
)

// landsLate has a call of alice's grant land so long after it was made, while her access
// ends and is said to be removed.
func landsLate(t *testing.T, after time.Duration, end func(h *harness, granted access.Request) access.Request) (h *harness, ended access.Request) {
	t.Helper()
	h = newHarness(t, 1)
	h.Engine.Settings.LongGrants = reconcile.Permanent
	h.MustRegister(alice, "alice laptop")
	granted := h.Grant(alice, 7*24*time.Hour, "")
	h.Account.LateBy = after
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Late
		}
		return workflowtest.NoFault
	}
	h.Sync(access.WorkAdd)
	h.Account.Next = nil
	return h, end(h, granted)
}

func TestCallThatLandsAfterOffboardedWasSaid(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"ten minutes": 10 * time.Minute, "three hours": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, off := landsLate(t, after, func(h *harness, _ access.Request) access.Request {
				return h.MustOffboard(alice)
			})
			for range 6 {
				h.Clock.Advance(time.Minute)
				h.Must(h.Sweep(h.Ctx()))
				h.Work()
			}
			h.Settled(t, off.ID, true, "nothing was seen of it")
			h.Clock.Advance(after)
			if left := h.Account.Ours(); len(left) != 1 {
				t.Fatalf("it has not landed: %v", left)
			}
			h.Account.Offline[1] = true // so that what is said meanwhile can be seen
			h.Pass(12*time.Hour + 10*time.Minute)
			h.Settled(t, off.ID, false, "its key has turned up")
			if told := h.Notices(access.NoticeReopened); len(told) != 1 || told[0].RequestID != off.ID {
				t.Errorf("told %+v, want that the announcement is taken back", told)
			}
			h.Account.Offline[1] = false
			h.Pass(40 * time.Minute) // after half a day it is asked about twice an hour
			h.Settled(t, off.ID, true, "it was removed")
			if left := h.Account.Ours(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
			h.VerifyAudit()
		})
	}
}

func TestCallThatLandsAfterAGrantEnded(t *testing.T) {
	t.Parallel()
	h, r := landsLate(t, 10*time.Minute, func(h *harness, granted access.Request) access.Request {
		_, err := h.GiveBack(h.Ctx(), alice, 0, "x")
		h.Must(err)
		return granted
	})
	h.Pass(80 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	h.Settled(t, r.ID, true, "it was removed")
}

// A call that lands while its key has been placed by another leaves a double.
func TestCallThatLandsBesideItsKey(t *testing.T) {
	t.Parallel()
	h, _ := landsLate(t, 10*time.Minute, func(_ *harness, granted access.Request) access.Request { return granted })
	h.Pass(10 * time.Minute)
	h.Pass(2 * time.Hour)
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("keys %v, want one", got)
	}
}

// So it does while that key waits to be removed: both have to go.
func TestCallThatLandsBesideAKeyThatLeaves(t *testing.T) {
	t.Parallel()
	h, _ := landsLate(t, 25*time.Minute, func(_ *harness, granted access.Request) access.Request { return granted })
	h.Pass(50 * time.Minute)
	if got := h.Account.Ours(); len(got) != 2 {
		t.Fatalf("keys %v, want two", got)
	}
	h.Account.Offline[1] = true
	_, err := h.GiveBack(h.Ctx(), alice, 0, "x")
	h.Must(err)
	h.Pass(40 * time.Minute) // the server is read again meanwhile
	h.Account.Offline[1] = false
	h.Pass(30 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestLookingAgainCostsOneListForEachServer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "one")
	h.MustRegister(alice, "two")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	h.MustOffboard(alice)
	h.Work()
	h.Account.Lists = 0
	h.Pass(26 * time.Hour)
	if h.Account.Lists != 6 {
		t.Errorf("%d lists, want one after an hour and one after twelve of each server", h.Account.Lists)
	}
	h.MustRegister(carol, "carol laptop")
	h.Grant(carol, time.Hour, "")
	h.Work()
	h.Account.Lists = 0
	h.Pass(26 * time.Hour)
	if h.Account.Lists != 0 {
		t.Errorf("%d lists after the end of a grant whose calls were all answered", h.Account.Lists)
	}
}
