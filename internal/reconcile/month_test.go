package reconcile_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// metered counts the calls of an account on which the list of servers has so many pages.
type metered struct {
	*workflowtest.Account
	pages int
	reads int
	quota int
}

func (m *metered) MonthlyQuota() int { return m.quota }

func (m *metered) Servers(ctx context.Context) ([]access.Server, error) {
	m.reads += m.pages
	return m.Account.Servers(ctx)
}

func (m *metered) Server(ctx context.Context, id string) (access.Server, error) {
	m.reads++
	return m.Account.Server(ctx, id)
}

func (m *metered) calls() int { return m.reads + m.Lists + m.Writes }

const monthlyQuota = 400_000

// aMonth counts the calls of one day in steps of a minute and fails where thirty such
// days take more than a tenth of the quota.
func (m *metered) aMonth(t *testing.T, h *harness, each func()) {
	t.Helper()
	before := m.calls()
	for range 24 * 60 {
		h.Clock.Advance(time.Minute)
		each()
	}
	if month := 30 * (m.calls() - before); month > monthlyQuota/10 {
		t.Errorf("%d calls in a month, more than a tenth of the quota", month)
	}
}

func newMetered(t *testing.T, servers, pages int) (*harness, *metered) {
	t.Helper()
	h := newHarness(t, servers)
	m := &metered{Account: h.Account, pages: pages}
	h.SetTarget(m)
	return h, m
}

func TestOfflineServerIsAskedAboutRarelyAndOnceForAllKeys(t *testing.T) {
	t.Parallel()
	for name, servers := range map[string]int{"one": 1, "several": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, m := newMetered(t, servers, 13)
			for _, key := range []string{"one", "two", "three"} {
				h.MustRegister(alice, key)
			}
			h.Grant(alice, 7*24*time.Hour, "")
			h.Work()
			for id := range m.Names {
				m.Offline[id] = true
			}
			h.Clock.Advance(10 * time.Minute)
			_, err := h.GiveBack(h.Ctx(), alice, 0, "done")
			h.Must(err)
			m.aMonth(t, h, h.SweepAndWork)
			before := m.reads
			for range 60 {
				h.Clock.Advance(time.Minute)
				h.SweepAndWork()
			}
			if asked := m.reads - before; asked > 2*13+1 {
				t.Errorf("%d reads in an hour after a day offline", asked)
			}
			clear(m.Offline)
			for range 40 {
				h.Clock.Advance(time.Minute)
				h.SweepAndWork()
			}
			if left := h.Account.Ours(); len(left) != 0 {
				t.Errorf("forty minutes after they came back left %v", left)
			}
		})
	}
}

func TestRefusedPatternsDoNotSpendTheQuota(t *testing.T) {
	t.Parallel()
	h, m := newMetered(t, 3, 13)
	m.aMonth(t, h, func() {
		_, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: h.NextSource(), Asker: alice, Person: alice, Duration: time.Hour, Servers: "nowhere-*"})
		refuses(t, err, access.Invalid, "nowhere")
	})
	h.Clock.Advance(time.Hour)
	h.Account.Names[4] = "new-01"
	if got := h.Ask(alice, time.Hour, "new-*"); got.ID == 0 {
		t.Error("a new server is not found")
	}
}

func TestRetriesByHandHaveAPause(t *testing.T) {
	t.Parallel()
	h, m := newMetered(t, 10, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Refuse
		}
		return workflowtest.NoFault
	}
	r := h.Grant(alice, 24*time.Hour, "")
	h.Work()
	writes, taken := m.Writes, 0
	for range 50 {
		if _, err := h.RetryFailed(h.Ctx(), r.ID, alice); err == nil {
			taken++
		}
		h.Work()
		h.Clock.Advance(time.Minute)
	}
	if taken != 6 || m.Writes-writes != 60 { // after 0, 1, 3, 7, 15 and 31 minutes
		t.Errorf("%d retries made %d calls, want 6 and 60", taken, m.Writes-writes)
	}
}

func TestRefusedRemovalIsTriedRarelyAndWithoutEnd(t *testing.T) {
	t.Parallel()
	h, m := newMetered(t, 1, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 24*time.Hour, "")
	h.Work()
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Forbid
		}
		return workflowtest.NoFault
	}
	_, err := h.GiveBack(h.Ctx(), alice, 0, "done")
	h.Must(err)
	m.aMonth(t, h, func() { h.Must(h.Engine.WakeDue(h.Ctx())); h.Work() })
	writes := m.Writes
	h.Pass(24 * time.Hour)
	if tries := m.Writes - writes; tries < 5 || tries > 7 {
		t.Errorf("tried %d times on the second day", tries)
	}
}

func TestServerThatLeftIsLookedForRarely(t *testing.T) {
	t.Parallel()
	h, m := newMetered(t, 2, 13)
	serverLeaves(h, t)
	m.aMonth(t, h, func() { h.Must(h.Engine.FindReturned(h.Ctx())) })
}

func TestTeamIsToldOnceAMonthThatTheQuotaIsNearlyUsedUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	account := &metered{Account: h.Account, quota: 1000}
	h.SetTarget(account)
	count := func(calls, want, told int) {
		t.Helper()
		h.Must(h.Engine.CountCalls(h.Ctx(), account.Name(), calls))
		got, err := h.Engine.CallsThisMonth(h.Ctx(), account.Name())
		h.Must(err)
		if notices := h.Notices(access.NoticeQuota); got != want || len(notices) != told {
			t.Errorf("%d calls, told %+v, want %d and %d", got, notices, want, told)
		}
	}
	count(0, 0, 0)
	count(799, 799, 0)
	count(1, 800, 1)
	count(500, 1300, 1)
	h.Clock.Advance(31 * 24 * time.Hour)
	count(5, 5, 1)
	count(900, 905, 2)
	account.quota = 0
	h.Clock.Advance(31 * 24 * time.Hour)
	count(5000, 5000, 2)
}
