package access_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestClockAheadOfRunCloudsRenewsNothingInHaste(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Now = func() time.Time { return h.clock.Now().Add(11*time.Hour + 30*time.Minute) }
	h.register(alice, "alice laptop")
	h.grant(alice, 7*24*time.Hour, "")
	for range 10 {
		h.sync(access.WorkAdd)
		h.sync(access.WorkRemove)
		h.clock.Advance(10 * time.Minute)
		h.must(h.Sweep(h.ctx()))
	}
	if h.account.writes != 1 {
		t.Errorf("%d writes for one key", h.account.writes)
	}
}

func TestDebtOfWhatNobodyGotTo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 5)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	h.account.next = func(int64, bool) fault { return unauthorized }
	h.pass(3 * time.Hour)
	if o, err := h.Overview(h.ctx(), ""); err != nil || len(o.Debt) != 5 {
		t.Errorf("%d keys are debt, want all five (%v)", len(o.Debt), err)
	}
}

func TestDebtOfARenewalWhoseGrantEnded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 7*24*time.Hour, "")
	h.work()
	h.clock.Advance(11*time.Hour + time.Minute)
	h.account.offline[1] = true
	h.must(h.Sweep(h.ctx()))
	h.work()
	if o, err := h.Overview(h.ctx(), ""); err != nil || len(o.Debt) != 0 {
		t.Errorf("debt %+v of a renewal (%v)", o.Debt, err)
	}
	_, err := h.GiveBack(h.ctx(), alice, 0, "x")
	h.must(err)
	if o, err := h.Overview(h.ctx(), ""); err != nil || len(o.Debt) != 1 {
		t.Errorf("debt %+v, want the key that was being renewed (%v)", o.Debt, err)
	}
}

func TestServerThatLeftKeepsItsName(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	r := h.grant(alice, 2*time.Hour, "")
	h.work()
	delete(h.account.names, 2)
	h.clock.Advance(10 * time.Minute)
	_, err := h.FindServers(h.ctx(), bob, "")
	h.must(err)
	h.pass(2 * time.Hour)
	for _, result := range h.view(r.ID).Results {
		if result.ServerName == "" {
			t.Errorf("no name: %+v", result)
		}
	}
}
