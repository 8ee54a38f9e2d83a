package reconcile_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestClockAheadOfRunCloudsRenewsNothingInHaste(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Now = func() time.Time { return h.Clock.Now().Add(11*time.Hour + 30*time.Minute) }
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 7*24*time.Hour, "")
	for range 10 {
		h.Sync(access.WorkAdd)
		h.Sync(access.WorkRemove)
		h.Clock.Advance(10 * time.Minute)
		h.Must(h.Sweep(h.Ctx()))
	}
	if h.Account.Writes != 1 {
		t.Errorf("%d writes for one key", h.Account.Writes)
	}
}

func TestDebtOfWhatNobodyGotTo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 5)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Unauthorized }
	h.Pass(3 * time.Hour)
	if o, err := h.Overview(h.Ctx(), ""); err != nil || len(o.Debt) != 5 {
		t.Errorf("%d keys are debt, want all five (%v)", len(o.Debt), err)
	}
}

func TestDebtOfARenewalWhoseGrantEnded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 7*24*time.Hour, "")
	h.Work()
	h.Clock.Advance(11*time.Hour + time.Minute)
	h.Account.Offline[1] = true
	h.Must(h.Sweep(h.Ctx()))
	h.Work()
	if o, err := h.Overview(h.Ctx(), ""); err != nil || len(o.Debt) != 0 {
		t.Errorf("debt %+v of a renewal (%v)", o.Debt, err)
	}
	_, err := h.GiveBack(h.Ctx(), alice, 0, "x")
	h.Must(err)
	if o, err := h.Overview(h.Ctx(), ""); err != nil || len(o.Debt) != 1 {
		t.Errorf("debt %+v, want the key that was being renewed (%v)", o.Debt, err)
	}
}

func TestServerThatLeftKeepsItsName(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, 2*time.Hour, "")
	h.Work()
	delete(h.Account.Names, 2)
	h.Clock.Advance(10 * time.Minute)
	_, err := h.FindServers(h.Ctx(), bob, "")
	h.Must(err)
	h.Pass(2 * time.Hour)
	for _, result := range h.MustView(r.ID).Results {
		if result.ServerName == "" {
			t.Errorf("no name: %+v", result)
		}
	}
}
