package workflow_test

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestGrantIsPlacedOnceOnEveryServerAndGoesAtItsEnd(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 97)
	key := h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, 12*time.Hour, "")
	h.Work()

	if got := len(h.Account.Ours()); got != 97 {
		t.Fatalf("%d keys placed, want 97", got)
	}
	if h.Account.Writes != 97 || h.Account.Lists != 0 {
		t.Errorf("%d writes and %d lists, want one write for each server and no list", h.Account.Writes, h.Account.Lists)
	}
	for server, keys := range h.Account.Keys {
		c := keys[0]
		if !*c.Temporary || c.SystemUser != "runcloud" || !strings.HasPrefix(c.PublicKey, key.Authorized()+" ") {
			t.Errorf("server %d has %+v", server, c)
		}
		owner, _, ok := access.LabelOwner(c.Label)
		if !ok || owner != alice || !access.LabelFits(c.Label, key.Fingerprint()) || len(c.Label) > 63 {
			t.Errorf("label %q does not tell person and fingerprint", c.Label)
		}
	}
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Done] != 97 {
		t.Errorf("results %v", got)
	}

	h.Pass(12 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("keys outlive the grant: %v", left)
	}
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Done] != 97 {
		t.Errorf("removals %v", got)
	}
	h.VerifyAudit()
}

func TestTemporaryFaultsHealAndPermanentOnesAreShown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 6)
	h.MustRegister(alice, "alice laptop")
	faults := map[int64][]workflowtest.Fault{1: {workflowtest.Trouble, workflowtest.Trouble}, 2: {workflowtest.Lost}, 3: {workflowtest.LostUndone}, 4: {workflowtest.Refuse}, 5: {workflowtest.Forbid}, 6: {workflowtest.CrashAfter, workflowtest.CrashBefore}}
	h.Account.Next = func(server int64, write bool) workflowtest.Fault {
		if !write || len(faults[server]) == 0 {
			return workflowtest.NoFault
		}
		f := faults[server][0]
		faults[server] = faults[server][1:]
		return f
	}
	r := h.Grant(alice, time.Hour, "")
	h.Work()
	h.Pass(20 * time.Minute)

	for _, server := range []int64{1, 2, 3, 6} {
		if n := len(h.Account.Keys[server]); n != 1 {
			t.Errorf("server %d has %d keys, want one", server, n)
		}
	}
	v := h.MustView(r.ID)
	if got := workflowtest.States(v, access.PhaseAdd); got[access.Done] != 4 || got[access.Failed] != 2 {
		t.Fatalf("results %v", got)
	}
	for _, result := range v.Results {
		if result.State == access.Failed && !strings.Contains(result.Detail, "invalid") && !strings.Contains(result.Detail, "unauthorized") {
			t.Errorf("a failure must carry RunCloud's words: %+v", result)
		}
	}
	if n, err := h.RetryFailed(h.Ctx(), r.ID, bob); err != nil || n != 2 {
		t.Fatalf("retry: %d, %v", n, err)
	}
	h.Work()
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Done] != 6 {
		t.Errorf("after the retry %v", got)
	}
	h.Pass(2 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOfflineServerWaitsAndIsWokenWhenItIsBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Account.Offline[2] = true
	r := h.Grant(alice, 2*time.Hour, "")
	h.Work()
	v := h.MustView(r.ID)
	if got := workflowtest.States(v, access.PhaseAdd); got[access.Done] != 1 || got[access.Waiting] != 1 || v.Offline != 1 {
		t.Fatalf("results %v, offline %d", got, v.Offline)
	}
	h.Account.Offline[2] = false
	h.Pass(10 * time.Minute)
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Done] != 2 {
		t.Errorf("after it came back %v", got)
	}

	h.Account.Offline[1] = true
	h.Pass(2 * time.Hour)
	debt, err := h.Overview(h.Ctx(), "")
	h.Must(err)
	if len(debt.Debt) != 1 || debt.Debt[0].Server.Name != "web-01" {
		t.Fatalf("debt %+v, want web-01 alone", debt.Debt)
	}
	h.Account.Offline[1] = false
	h.Pass(10 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("the debt was not paid: %v", left)
	}
}

func TestSamePrefixIsNoProof(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(alice, "alice laptop")
	// A stranger's key that shows the same first 50 characters.
	strange := key.Authorized()[:50] + strings.Repeat("A", len(key.Authorized())-50)
	h.Account.AddKey(1, "backup", "runcloud", strange)
	r := h.Grant(alice, time.Hour, "")
	h.Work()
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Done] != 1 {
		t.Errorf("the key must be added beside the stranger's: %v", got)
	}
	h.Pass(2 * time.Hour)
	if keys := h.Account.Keys[1]; len(keys) != 1 || keys[0].Label != "backup" {
		t.Errorf("the stranger's key must survive: %+v", keys)
	}
}

func TestOverlappingGrantsAreTheirUnion(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 4)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "web-01,web-02")
	h.Work()
	h.Clock.Advance(time.Minute)
	second := h.Grant(alice, 3*time.Hour, "web-02,web-03")
	h.Work()
	if got := workflowtest.States(h.MustView(second.ID), access.PhaseAdd); got[access.AlreadyThere] != 1 || got[access.Done] != 1 {
		t.Errorf("second grant %v", got)
	}
	if got := len(h.Account.Ours()); got != 3 {
		t.Errorf("%d keys, want 3", got)
	}
	h.Pass(70 * time.Minute)
	if got := h.Account.Ours(); len(got) != 2 || got[0][0] != '2' || got[1][0] != '3' {
		t.Errorf("after the first end: %v, want servers 2 and 3", got)
	}
	h.Pass(2 * time.Hour)
	if got := h.Account.Ours(); len(got) != 0 {
		t.Errorf("after both ends: %v", got)
	}
}

func TestLongGrantIsRenewedUntilItEnds(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 30*time.Hour, "")
	h.Work()
	for range 29 {
		h.Pass(time.Hour)
		if got := len(h.Account.Ours()); got != 2 {
			t.Fatalf("at %v: %d keys, want 2", h.Clock.Now(), got)
		}
	}
	for _, keys := range h.Account.Keys {
		if !*keys[0].Temporary {
			t.Errorf("a renewed key must be temporary")
		}
	}
	h.Pass(2 * time.Hour)
	if got := h.Account.Ours(); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
}

func TestBotThatWasAwayForADayRenewsWhatLapsed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 48*time.Hour, "")
	h.Work()
	h.Clock.Advance(20 * time.Hour) // RunCloud has removed the keys by itself
	h.Pass(time.Minute)
	if got := len(h.Account.Ours()); got != 2 {
		t.Errorf("%d keys, want 2 again", got)
	}
}

func TestRevokeOvertakesARunningGrant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	var once bool
	h.Account.Before = func(int64) { // while the first key is on its way
		if once {
			return
		}
		once = true
		r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "revoke", Asker: bob, Person: alice})
		h.Must(err)
		_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
		h.Must(err)
	}
	h.Work()
	h.Account.Before = nil
	h.Pass(10 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 || h.Account.Writes != 2 {
		t.Errorf("left %v after %d writes, want the late key removed and no other placed", left, h.Account.Writes)
	}
}

func TestLateWriteIsFoundAndRemoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.LostUndone
		}
		return workflowtest.NoFault
	}
	h.Grant(alice, 2*time.Hour, "")
	h.Work()
	var label string
	h.Must(h.Store.Read(h.Ctx(), func(tx access.Tx) error {
		p, err := tx.Placements(h.Ctx(), access.PlacementQuery{Server: 1})
		label = p[0].Label
		return err
	}))
	_, err := h.GiveBack(h.Ctx(), alice, 0, h.NextSource())
	h.Must(err)
	h.Pass(time.Minute)
	h.Account.Next = nil
	h.Account.AddKey(1, label, "runcloud", workflowtest.NewKey("alice laptop").Authorized()) // the POST lands now
	h.Pass(10 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("a write that landed late stays: %v", left)
	}
}

func TestUnauthorizedHaltsEverythingAndNothingIsLost(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 5)
	h.MustRegister(alice, "alice laptop")
	broken := true
	h.Account.Next = func(int64, bool) workflowtest.Fault {
		if broken {
			return workflowtest.Unauthorized
		}
		return workflowtest.NoFault
	}
	r := h.Grant(alice, 2*time.Hour, "")
	h.Work()
	if h.Account.Writes != 1 {
		t.Errorf("%d calls after the token was refused, want one", h.Account.Writes)
	}
	if !h.Halted() {
		t.Fatal("not halted")
	}
	h.Must(h.Engine.Resume(h.Ctx()))
	halted, announced := h.MustView(r.ID), h.Announced(r.ID)
	broken = false
	h.Must(h.Engine.Resume(h.Ctx()))
	if going := h.MustView(r.ID); len(halted.HaltedBy) != 1 || len(going.HaltedBy) != 0 || h.Announced(r.ID) == announced {
		t.Errorf("the request does not show why it waits: %q, then %q", halted.HaltedBy, going.HaltedBy)
	}
	h.Work()
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Done] != 5 {
		t.Errorf("after it was mended %v", got)
	}
}

func TestWaitSetByAClockFarAheadIsCutShort(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Work()
	h.Clock.Advance(300 * 24 * time.Hour)
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Trouble }
	h.Must(h.Sweep(h.Ctx()))
	h.Work() // the removal fails, and waits by the clock that is wrong
	h.Account.Next = nil
	h.Clock.Advance(-300 * 24 * time.Hour)
	h.Must(h.Engine.WakeDue(h.Ctx()))
	h.Pass(2 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("a removal waits for a clock that was wrong: %v", left)
	}
}
