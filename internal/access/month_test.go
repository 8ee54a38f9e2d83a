package access_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// metered counts the calls of an account on which the list of servers has so many pages.
type metered struct {
	*account
	pages int
	reads int
}

func (m *metered) Servers(ctx context.Context) ([]access.Server, error) {
	m.reads += m.pages
	return m.account.Servers(ctx)
}

func (m *metered) Server(ctx context.Context, id int64) (access.Server, error) {
	m.reads++
	return m.account.Server(ctx, id)
}

func (m *metered) calls() int { return m.reads + m.lists + m.writes }

const monthlyQuota = 400_000

// aMonth counts the calls of one day in steps of a minute and fails where thirty such
// days take more than a tenth of the quota.
func (m *metered) aMonth(t *testing.T, h *harness, each func()) {
	t.Helper()
	before := m.calls()
	for range 24 * 60 {
		h.clock.Advance(time.Minute)
		each()
	}
	if month := 30 * (m.calls() - before); month > monthlyQuota/10 {
		t.Errorf("%d calls in a month, more than a tenth of the quota", month)
	}
}

func newMetered(t *testing.T, servers, pages int) (*harness, *metered) {
	t.Helper()
	h := newHarness(t, servers)
	m := &metered{account: h.account, pages: pages}
	h.Target = m
	return h, m
}

// due does what is due, as the sweeps would find it.
func (h *harness) sweepAndWork() {
	h.must(h.Sweep(h.ctx()))
	h.work()
}

func TestOfflineServerIsAskedAboutRarelyAndOnceForAllKeys(t *testing.T) {
	t.Parallel()
	for name, servers := range map[string]int{"one": 1, "several": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, m := newMetered(t, servers, 13)
			for _, key := range []string{"one", "two", "three"} {
				h.register(alice, key)
			}
			h.grant(alice, 7*24*time.Hour, "")
			h.work()
			for id := range m.names {
				m.offline[id] = true
			}
			h.clock.Advance(10 * time.Minute)
			_, err := h.GiveBack(h.ctx(), alice, 0, "done")
			h.must(err)
			m.aMonth(t, h, h.sweepAndWork)
			before := m.reads
			for range 60 {
				h.clock.Advance(time.Minute)
				h.sweepAndWork()
			}
			if asked := m.reads - before; asked > 2*13+1 {
				t.Errorf("%d reads in an hour after a day offline", asked)
			}
			clear(m.offline)
			for range 40 {
				h.clock.Advance(time.Minute)
				h.sweepAndWork()
			}
			if left := h.account.ours(); len(left) != 0 {
				t.Errorf("forty minutes after they came back left %v", left)
			}
		})
	}
}

func TestRefusedPatternsDoNotSpendTheQuota(t *testing.T) {
	t.Parallel()
	h, m := newMetered(t, 3, 13)
	m.aMonth(t, h, func() {
		_, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: h.nextSource(), Asker: alice, Person: alice, Duration: time.Hour, Servers: "nowhere-*"})
		refuses(t, err, access.Invalid, "nowhere")
	})
	h.clock.Advance(time.Hour)
	h.account.names[4] = "new-01"
	if got := h.ask(alice, time.Hour, "new-*"); got.ID == 0 {
		t.Error("a new server is not found")
	}
}

func TestRetriesByHandHaveAPause(t *testing.T) {
	t.Parallel()
	h, m := newMetered(t, 10, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return refuse
		}
		return noFault
	}
	r := h.grant(alice, 24*time.Hour, "")
	h.work()
	writes, taken := m.writes, 0
	for range 50 {
		if _, err := h.RetryFailed(h.ctx(), r.ID, alice); err == nil {
			taken++
		}
		h.work()
		h.clock.Advance(time.Minute)
	}
	if taken != 6 || m.writes-writes != 60 { // after 0, 1, 3, 7, 15 and 31 minutes
		t.Errorf("%d retries made %d calls, want 6 and 60", taken, m.writes-writes)
	}
}

func TestRefusedRemovalIsTriedRarelyAndWithoutEnd(t *testing.T) {
	t.Parallel()
	h, m := newMetered(t, 1, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 24*time.Hour, "")
	h.work()
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return forbid
		}
		return noFault
	}
	_, err := h.GiveBack(h.ctx(), alice, 0, "done")
	h.must(err)
	m.aMonth(t, h, func() { h.must(h.WakeDue(h.ctx())); h.work() })
	writes := m.writes
	h.pass(24 * time.Hour)
	if tries := m.writes - writes; tries < 5 || tries > 7 {
		t.Errorf("tried %d times on the second day", tries)
	}
}

func TestServerThatLeftIsLookedForRarely(t *testing.T) {
	t.Parallel()
	h, m := newMetered(t, 2, 13)
	h.serverLeaves(t)
	m.aMonth(t, h, func() { h.must(h.FindReturned(h.ctx())) })
}

func TestTeamIsToldOnceAMonthThatTheQuotaIsNearlyUsedUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.EngineSettings.MonthlyQuota = 1000
	count := func(calls, want, told int) {
		t.Helper()
		h.must(h.CountCalls(h.ctx(), calls))
		got, err := h.CallsThisMonth(h.ctx())
		h.must(err)
		if notices := h.notices(access.NoticeQuota); got != want || len(notices) != told {
			t.Errorf("%d calls, told %+v, want %d and %d", got, notices, want, told)
		}
	}
	count(0, 0, 0)
	count(799, 799, 0)
	count(1, 800, 1)
	count(500, 1300, 1)
	h.clock.Advance(31 * 24 * time.Hour)
	count(5, 5, 1)
	count(900, 905, 2)
	h.EngineSettings.MonthlyQuota = 0
	h.clock.Advance(31 * 24 * time.Hour)
	count(5000, 5000, 2)
}
