package access_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// wake does what a replica does that knows of the ledger alone: whatever WakeDue finds.
func (h *harness) wake() (jobs []access.Work) {
	h.t.Helper()
	_, err := h.ledger.SQLite().ExecContext(h.ctx(), "DELETE FROM river_job")
	h.must(err)
	h.must(h.WakeDue(h.ctx()))
	rows, err := h.ledger.SQLite().QueryContext(h.ctx(), `SELECT REPLACE(REPLACE(kind, '_on_server', ''), '_server', ''), args->>'server_id'
		FROM river_job WHERE args->>'server_id' IS NOT NULL ORDER BY 1, 2`)
	h.must(err)
	defer func() { h.must(rows.Close()) }()
	for rows.Next() {
		var w access.Work
		h.must(rows.Scan(&w.Kind, &w.ID))
		jobs = append(jobs, w)
	}
	h.must(rows.Err())
	return jobs
}

func TestRemovalIsWokenHoweverManyAdditionsWait(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 300)
	for _, key := range []string{"one", "two", "three", "four"} {
		h.register(alice, key)
	}
	h.register(carol, "carol laptop")
	h.grant(alice, 5*time.Hour, "")
	h.grant(carol, 5*time.Hour, "web-07")
	h.one(access.Work{Kind: access.WorkAdd, ID: 7})
	h.account.next = func(int64, bool) fault { return trouble }
	_, err := h.GiveBack(h.ctx(), carol, 0, "done")
	h.must(err)
	h.one(access.Work{Kind: access.WorkRemove, ID: 7})
	h.clock.Advance(10 * time.Second)
	if woken := h.wake(); woken[len(woken)-1] != (access.Work{Kind: access.WorkRemove, ID: 7}) {
		t.Errorf("among %d jobs the last is %v, want the removal", len(woken), woken[len(woken)-1])
	}
}

func TestWhatAClockAheadPutOffComesSoon(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, 5*time.Hour, "web-01")
	h.work()
	ahead := 24 * time.Hour
	h.clock.Advance(ahead)
	h.account.next = func(int64, bool) fault { return trouble }
	h.offboard(alice)
	h.work() // the removal and the readings fail
	h.clock.Advance(-ahead)
	h.account.next = nil
	if woken := h.wake(); len(woken) != 2 || woken[0].Kind != access.WorkInspect || woken[1].Kind != access.WorkInspect {
		t.Errorf("woken %v, want the readings of both servers", woken)
	}
	h.clock.Advance(6 * time.Minute)
	found := false
	for _, w := range h.wake() {
		found = found || w == access.Work{Kind: access.WorkRemove, ID: 1}
	}
	if !found {
		t.Error("the removal still waits")
	}
}

func TestLateKeyIsFoundThoughTheClockWentBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	var late access.Credential
	h.Target = &picky{account: h.account, add: func(_ int64, c access.Credential) (access.Credential, error) {
		late = c
		return access.Credential{}, &access.Error{Code: access.UnknownOutcome, Message: "No answer came."}
	}}
	ahead := 365 * 24 * time.Hour
	h.clock.Advance(ahead)
	h.grant(alice, 5*time.Hour, "")
	h.work()
	h.offboard(alice)
	h.pass(time.Minute)
	h.clock.Advance(-ahead)
	_, err := h.account.Add(h.ctx(), 1, late)
	h.must(err)
	h.wake()
	h.pass(10 * time.Minute)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestRemovalThatTheClockCausedIsReportedUnderItsGrant(t *testing.T) {
	t.Parallel()
	for name, align := range map[string]func(h *harness){
		"by the sweep":     func(h *harness) { h.must(h.WakeDue(h.ctx())) },
		"by another grant": func(h *harness) { h.grant(carol, time.Hour, "") },
		"by a removal beside it": func(h *harness) {
			h.one(access.Work{Kind: access.WorkRemove, ID: 1})
			h.one(access.Work{Kind: access.WorkRemove, ID: 2})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.register(alice, "alice laptop")
			h.register(carol, "carol laptop")
			r := h.grant(alice, time.Hour, "")
			h.grant(carol, 2*time.Hour, "")
			h.work()
			_, err := h.GiveBack(h.ctx(), carol, 0, "done")
			h.must(err)
			h.clock.Advance(time.Hour + time.Millisecond)
			align(h)
			h.work()
			h.must(h.Sweep(h.ctx()))
			if got := states(h.view(r.ID), access.PhaseRemove); got[access.Done] != 2 {
				t.Errorf("removals %v, want both told", got)
			}
		})
	}
}

func TestRenewalsAreNotCrowdedOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 350)
	for _, key := range []string{"one", "two", "three"} {
		h.register(alice, key)
	}
	h.register(carol, "carol laptop")
	h.grant(alice, 12*time.Hour, "")
	h.work()
	h.clock.Advance(time.Minute)
	h.grant(carol, 7*24*time.Hour, "web-01")
	h.work()
	h.clock.Advance(11*time.Hour + 30*time.Minute)
	h.must(h.Sweep(h.ctx()))
	if p := h.placements(access.PlacementQuery{Person: carol}); !p[0].Urgent {
		t.Errorf("half an hour before it lapses nobody renews %+v", p[0])
	}
}

func TestPermanentKeyBecomesTemporaryWhenOnlyAShortGrantIsLeft(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.AllowForever = true
	h.register(alice, "alice laptop")
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "forever", Asker: alice, Person: alice, Forever: true})
	h.must(err)
	h.approve(r.ID)
	h.work()
	h.grant(alice, 15*time.Hour, "")
	h.pass(11 * time.Hour)
	if writes := h.account.writes; writes != 1 || *h.account.keys[1][0].Temporary {
		t.Fatalf("%d writes, %+v, want the permanent key alone", writes, h.account.keys[1])
	}
	_, err = h.GiveBack(h.ctx(), alice, h.grants(access.GrantQuery{})[0].ID, "forever ends")
	h.must(err)
	h.pass(2 * time.Hour)
	if writes := h.account.writes; writes != 3 || !*h.account.keys[1][0].Temporary {
		t.Errorf("%d writes, %+v, want it replaced once by a temporary one", writes, h.account.keys[1])
	}
	h.pass(2 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestRenewalWhoseOldKeyCannotBeRemovedIsToldOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 7*24*time.Hour, "")
	h.work()
	h.account.next = func(int64, bool) fault { return trouble }
	h.pass(14 * time.Hour)
	if told := h.notices(access.NoticeLapsed); len(told) != 1 || told[0].To != alice {
		t.Errorf("told %+v, want alice once", told)
	}
	h.account.next = func(_ int64, write bool) fault { // the old key goes, the new one does not come
		if write && len(h.account.keys[1]) == 0 {
			return trouble
		}
		return noFault
	}
	h.pass(2 * time.Hour)
	if told := h.notices(access.NoticeLapsed); len(told) != 1 {
		t.Errorf("told %d times", len(told))
	}
}

func TestProcessThatOnlyRemovesRenewsNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.register(carol, "carol laptop")
	h.grant(alice, 7*24*time.Hour, "")
	h.grant(carol, 7*24*time.Hour, "")
	h.work()
	h.EngineSettings.OnlyRemoves = true
	h.clock.Advance(11*time.Hour + 30*time.Minute)
	h.must(h.Sweep(h.ctx()))
	for _, p := range h.placements(access.PlacementQuery{}) {
		if p.Urgent {
			t.Fatalf("it renews %+v", p)
		}
	}
	h.EngineSettings.OnlyRemoves = false
	h.must(h.Sweep(h.ctx())) // the bot began, and died
	h.EngineSettings.OnlyRemoves = true
	writes := h.account.writes
	h.offboard(carol)
	h.one(access.Work{Kind: access.WorkRemove, ID: 1})
	if left := h.account.keys[1]; len(left) != 1 || h.account.writes != writes+1 {
		t.Errorf("after %d writes %+v is left, want alice's key", h.account.writes-writes, left)
	}
	h.EngineSettings.OnlyRemoves = false
	h.pass(10 * time.Minute)
	if left := h.account.ours(); len(left) != 1 || h.account.writes != writes+3 {
		t.Errorf("after %d writes %v is left, want alice's key renewed", h.account.writes-writes, left)
	}
}
