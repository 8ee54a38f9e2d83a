package reconcile_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// wakeDue does what a replica does that knows of the ledger alone: whatever WakeDue finds.
func wakeDue(h *harness) (jobs []access.Work) {
	h.T.Helper()
	_, err := h.Ledger.SQLite().ExecContext(h.Ctx(), "DELETE FROM river_job")
	h.Must(err)
	h.Must(h.Engine.WakeDue(h.Ctx()))
	return queued(h)
}

// queued lists the work on servers that was woken and not done by the queue, which does not
// run here.
func queued(h *harness) (jobs []access.Work) {
	h.T.Helper()
	rows, err := h.Ledger.SQLite().QueryContext(h.Ctx(), `SELECT REPLACE(REPLACE(kind, '_on_server', ''), '_server', ''), args->>'place_id'
		FROM river_job WHERE args->>'place_id' IS NOT NULL ORDER BY 1, 2`)
	h.Must(err)
	defer func() { h.Must(rows.Close()) }()
	for rows.Next() {
		var w access.Work
		h.Must(rows.Scan(&w.Kind, &w.ID))
		jobs = append(jobs, w)
	}
	h.Must(rows.Err())
	return jobs
}

func TestRemovalIsWokenHoweverManyAdditionsWait(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 300)
	for _, key := range []string{"one", "two", "three", "four"} {
		h.MustRegister(alice, key)
	}
	h.MustRegister(carol, "carol laptop")
	h.Grant(alice, 5*time.Hour, "")
	h.Grant(carol, 5*time.Hour, "web-07")
	h.One(access.Work{Kind: access.WorkAdd, ID: 7})
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Trouble }
	_, err := h.GiveBack(h.Ctx(), carol, 0, "done")
	h.Must(err)
	h.One(access.Work{Kind: access.WorkRemove, ID: 7})
	h.Clock.Advance(10 * time.Second)
	if woken := wakeDue(h); woken[len(woken)-1] != (access.Work{Kind: access.WorkRemove, ID: 7}) {
		t.Errorf("among %d jobs the last is %v, want the removal", len(woken), woken[len(woken)-1])
	}
}

func TestWhatAClockAheadPutOffComesSoon(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 5*time.Hour, "web-01")
	h.Work()
	ahead := 24 * time.Hour
	h.Clock.Advance(ahead)
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Trouble }
	h.MustOffboard(alice)
	h.Work() // the removal and the readings fail
	h.Clock.Advance(-ahead)
	h.Account.Next = nil
	if woken := wakeDue(h); len(woken) != 2 || woken[0].Kind != access.WorkInspect || woken[1].Kind != access.WorkInspect {
		t.Errorf("woken %v, want the readings of both servers", woken)
	}
	h.Clock.Advance(6 * time.Minute)
	found := false
	for _, w := range wakeDue(h) {
		found = found || w == access.Work{Kind: access.WorkRemove, ID: 1}
	}
	if !found {
		t.Error("the removal still waits")
	}
}

func TestLateKeyIsFoundThoughTheClockWentBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	var late access.Credential
	h.SetTarget(&workflowtest.Picky{Account: h.Account, OnAdd: func(_ string, c access.Credential) (access.Credential, error) {
		late = c
		return access.Credential{}, &access.Error{Code: access.UnknownOutcome, Message: "No answer came."}
	}})
	ahead := 365 * 24 * time.Hour
	h.Clock.Advance(ahead)
	h.Grant(alice, 5*time.Hour, "")
	h.Work()
	h.MustOffboard(alice)
	h.Pass(time.Minute)
	h.Clock.Advance(-ahead)
	_, err := h.Account.Add(h.Ctx(), "1", late)
	h.Must(err)
	wakeDue(h)
	h.Pass(10 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestRemovalThatTheClockCausedIsReportedUnderItsGrant(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *harness){
		"by the sweep":     func(h *harness) { h.Must(h.Engine.WakeDue(h.Ctx())) },
		"by another grant": func(h *harness) { h.Grant(carol, time.Hour, "") },
		"by a removal beside it": func(h *harness) {
			h.One(access.Work{Kind: access.WorkRemove, ID: 1})
			h.One(access.Work{Kind: access.WorkRemove, ID: 2})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.MustRegister(alice, "alice laptop")
			h.MustRegister(carol, "carol laptop")
			r := h.Grant(alice, time.Hour, "")
			h.Grant(carol, 2*time.Hour, "")
			h.Work()
			_, err := h.GiveBack(h.Ctx(), carol, 0, "done")
			h.Must(err)
			h.Clock.Advance(time.Hour + time.Millisecond)
			change(h)
			h.Work()
			h.Must(h.Sweep(h.Ctx()))
			if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Done] != 2 {
				t.Errorf("removals %v, want both told", got)
			}
		})
	}
}

func TestRenewalsAreNotCrowdedOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 350)
	for _, key := range []string{"one", "two", "three"} {
		h.MustRegister(alice, key)
	}
	h.MustRegister(carol, "carol laptop")
	h.Grant(alice, 12*time.Hour, "")
	h.Work()
	h.Clock.Advance(time.Minute)
	h.Grant(carol, 7*24*time.Hour, "web-01")
	h.Work()
	h.Clock.Advance(11*time.Hour + 30*time.Minute)
	h.Must(h.Sweep(h.Ctx()))
	if p := h.Placements(access.PlacementQuery{Person: carol}); !p[0].Urgent {
		t.Errorf("half an hour before it lapses nobody renews %+v", p[0])
	}
}

func TestPermanentKeyBecomesTemporaryWhenOnlyAShortGrantIsLeft(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.AllowForever = true
	h.MustRegister(alice, "alice laptop")
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "forever", Asker: alice, Person: alice, Forever: true})
	h.Must(err)
	h.Approve(r.ID)
	h.Work()
	h.Grant(alice, 15*time.Hour, "")
	h.Pass(11 * time.Hour)
	if writes := h.Account.Writes; writes != 1 || *h.Account.Keys[1][0].Temporary {
		t.Fatalf("%d writes, %+v, want the permanent key alone", writes, h.Account.Keys[1])
	}
	_, err = h.GiveBack(h.Ctx(), alice, h.Grants(access.GrantQuery{})[0].ID, "forever ends")
	h.Must(err)
	h.Pass(2 * time.Hour)
	if writes := h.Account.Writes; writes != 3 || !*h.Account.Keys[1][0].Temporary {
		t.Errorf("%d writes, %+v, want it replaced once by a temporary one", writes, h.Account.Keys[1])
	}
	h.Pass(2 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestRenewalWhoseOldKeyCannotBeRemovedIsToldOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 7*24*time.Hour, "")
	h.Work()
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Trouble }
	h.Pass(14 * time.Hour)
	if told := h.Notices(access.NoticeLapsed); len(told) != 1 || told[0].To != alice {
		t.Errorf("told %+v, want alice once", told)
	}
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault { // the old key goes, the new one does not come
		if write && len(h.Account.Keys[1]) == 0 {
			return workflowtest.Trouble
		}
		return workflowtest.NoFault
	}
	h.Pass(2 * time.Hour)
	if told := h.Notices(access.NoticeLapsed); len(told) != 1 {
		t.Errorf("told %d times", len(told))
	}
}

func TestProcessThatOnlyRemovesRenewsNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	h.Grant(alice, 7*24*time.Hour, "")
	h.Grant(carol, 7*24*time.Hour, "")
	h.Work()
	h.Engine.Settings.OnlyRemoves = true
	h.Clock.Advance(11*time.Hour + 30*time.Minute)
	h.Must(h.Sweep(h.Ctx()))
	for _, p := range h.Placements(access.PlacementQuery{}) {
		if p.Urgent {
			t.Fatalf("it renews %+v", p)
		}
	}
	h.Engine.Settings.OnlyRemoves = false
	h.Must(h.Sweep(h.Ctx())) // the bot began, and died
	h.Engine.Settings.OnlyRemoves = true
	writes := h.Account.Writes
	h.MustOffboard(carol)
	h.One(access.Work{Kind: access.WorkRemove, ID: 1})
	if left := h.Account.Keys[1]; len(left) != 1 || h.Account.Writes != writes+1 {
		t.Errorf("after %d writes %+v is left, want alice's key", h.Account.Writes-writes, left)
	}
	h.Engine.Settings.OnlyRemoves = false
	h.Pass(10 * time.Minute)
	if left := h.Account.Ours(); len(left) != 1 || h.Account.Writes != writes+3 {
		t.Errorf("after %d writes %v is left, want alice's key renewed", h.Account.Writes-writes, left)
	}
}
