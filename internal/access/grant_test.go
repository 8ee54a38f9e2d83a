package access_test

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestGrantIsPlacedOnceOnEveryServerAndGoesAtItsEnd(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 97)
	key := h.register(alice, "alice laptop")
	r := h.grant(alice, 12*time.Hour, "")
	h.work()

	if got := len(h.account.ours()); got != 97 {
		t.Fatalf("%d keys placed, want 97", got)
	}
	if h.account.writes != 97 || h.account.lists != 0 {
		t.Errorf("%d writes and %d lists, want one write for each server and no list", h.account.writes, h.account.lists)
	}
	for server, keys := range h.account.keys {
		c := keys[0]
		if !*c.Temporary || c.SystemUser != "runcloud" || !strings.HasPrefix(c.PublicKey, key.Authorized()+" ") {
			t.Errorf("server %d has %+v", server, c)
		}
		owner, _, ok := access.LabelOwner(c.Label)
		if !ok || owner != alice || !access.LabelFits(c.Label, key.Fingerprint()) || len(c.Label) > 63 {
			t.Errorf("label %q does not tell person and fingerprint", c.Label)
		}
	}
	if got := states(h.view(r.ID), access.PhaseAdd); got[access.Done] != 97 {
		t.Errorf("results %v", got)
	}

	h.pass(12 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("keys outlive the grant: %v", left)
	}
	if got := states(h.view(r.ID), access.PhaseRemove); got[access.Done] != 97 {
		t.Errorf("removals %v", got)
	}
	h.verifyAudit()
}

func TestTemporaryFaultsHealAndPermanentOnesAreShown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 6)
	h.register(alice, "alice laptop")
	faults := map[int64][]fault{1: {trouble, trouble}, 2: {lost}, 3: {lostUndone}, 4: {refuse}, 5: {forbid}, 6: {crashAfter, crashBefore}}
	h.account.next = func(server int64, write bool) fault {
		if !write || len(faults[server]) == 0 {
			return noFault
		}
		f := faults[server][0]
		faults[server] = faults[server][1:]
		return f
	}
	r := h.grant(alice, time.Hour, "")
	h.work()
	h.pass(20 * time.Minute)

	for _, server := range []int64{1, 2, 3, 6} {
		if n := len(h.account.keys[server]); n != 1 {
			t.Errorf("server %d has %d keys, want one", server, n)
		}
	}
	v := h.view(r.ID)
	if got := states(v, access.PhaseAdd); got[access.Done] != 4 || got[access.Failed] != 2 {
		t.Fatalf("results %v", got)
	}
	for _, result := range v.Results {
		if result.State == access.Failed && !strings.Contains(result.Detail, "invalid") && !strings.Contains(result.Detail, "unauthorized") {
			t.Errorf("a failure must carry RunCloud's words: %+v", result)
		}
	}
	if n, err := h.RetryFailed(h.ctx(), r.ID, bob); err != nil || n != 2 {
		t.Fatalf("retry: %d, %v", n, err)
	}
	h.work()
	if got := states(h.view(r.ID), access.PhaseAdd); got[access.Done] != 6 {
		t.Errorf("after the retry %v", got)
	}
	h.pass(2 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOfflineServerWaitsAndIsWokenWhenItIsBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.account.offline[2] = true
	r := h.grant(alice, 2*time.Hour, "")
	h.work()
	v := h.view(r.ID)
	if got := states(v, access.PhaseAdd); got[access.Done] != 1 || got[access.Waiting] != 1 || v.Offline != 1 {
		t.Fatalf("results %v, offline %d", got, v.Offline)
	}
	h.account.offline[2] = false
	h.pass(10 * time.Minute)
	if got := states(h.view(r.ID), access.PhaseAdd); got[access.Done] != 2 {
		t.Errorf("after it came back %v", got)
	}

	h.account.offline[1] = true
	h.pass(2 * time.Hour)
	debt, err := h.Overview(h.ctx(), "")
	h.must(err)
	if len(debt.Debt) != 1 || debt.Debt[0].Server.Name != "web-01" {
		t.Fatalf("debt %+v, want web-01 alone", debt.Debt)
	}
	h.account.offline[1] = false
	h.pass(10 * time.Minute)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("the debt was not paid: %v", left)
	}
}

func TestSamePrefixIsNoProof(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	// A stranger's key that shows the same first 50 characters.
	strange := key.Authorized()[:50] + strings.Repeat("A", len(key.Authorized())-50)
	h.account.strange(1, "backup", "runcloud", strange)
	r := h.grant(alice, time.Hour, "")
	h.work()
	if got := states(h.view(r.ID), access.PhaseAdd); got[access.Done] != 1 {
		t.Errorf("the key must be added beside the stranger's: %v", got)
	}
	h.pass(2 * time.Hour)
	if keys := h.account.keys[1]; len(keys) != 1 || keys[0].Label != "backup" {
		t.Errorf("the stranger's key must survive: %+v", keys)
	}
}

func TestOverlappingGrantsAreTheirUnion(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 4)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "web-01,web-02")
	h.work()
	h.clock.Advance(time.Minute)
	second := h.grant(alice, 3*time.Hour, "web-02,web-03")
	h.work()
	if got := states(h.view(second.ID), access.PhaseAdd); got[access.AlreadyThere] != 1 || got[access.Done] != 1 {
		t.Errorf("second grant %v", got)
	}
	if got := len(h.account.ours()); got != 3 {
		t.Errorf("%d keys, want 3", got)
	}
	h.pass(70 * time.Minute)
	if got := h.account.ours(); len(got) != 2 || got[0][0] != '2' || got[1][0] != '3' {
		t.Errorf("after the first end: %v, want servers 2 and 3", got)
	}
	h.pass(2 * time.Hour)
	if got := h.account.ours(); len(got) != 0 {
		t.Errorf("after both ends: %v", got)
	}
}

func TestLongGrantIsRenewedUntilItEnds(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, 30*time.Hour, "")
	h.work()
	for range 29 {
		h.pass(time.Hour)
		if got := len(h.account.ours()); got != 2 {
			t.Fatalf("at %v: %d keys, want 2", h.clock.Now(), got)
		}
	}
	for _, keys := range h.account.keys {
		if !*keys[0].Temporary {
			t.Errorf("a renewed key must be temporary")
		}
	}
	h.pass(2 * time.Hour)
	if got := h.account.ours(); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
}

func TestBotThatWasAwayForADayRenewsWhatLapsed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, 48*time.Hour, "")
	h.work()
	h.clock.Advance(20 * time.Hour) // RunCloud has removed the keys by itself
	h.pass(time.Minute)
	if got := len(h.account.ours()); got != 2 {
		t.Errorf("%d keys, want 2 again", got)
	}
}

func TestRevokeOvertakesARunningGrant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	var once bool
	h.account.before = func(int64) { // while the first key is on its way
		if once {
			return
		}
		once = true
		r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "revoke", Asker: bob, Person: alice})
		h.must(err)
		_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
		h.must(err)
	}
	h.work()
	h.account.before = nil
	h.pass(10 * time.Minute)
	if left := h.account.ours(); len(left) != 0 || h.account.writes != 2 {
		t.Errorf("left %v after %d writes, want the late key removed and no other placed", left, h.account.writes)
	}
}

func TestLateWriteIsFoundAndRemoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return lostUndone
		}
		return noFault
	}
	h.grant(alice, 2*time.Hour, "")
	h.work()
	var label string
	h.must(h.Store.Read(h.ctx(), func(tx access.Tx) error {
		p, err := tx.Placements(h.ctx(), access.PlacementQuery{Server: 1})
		label = p[0].Label
		return err
	}))
	_, err := h.GiveBack(h.ctx(), alice, 0, h.nextSource())
	h.must(err)
	h.pass(time.Minute)
	h.account.next = nil
	h.account.strange(1, label, "runcloud", newKey("alice laptop").Authorized()) // the POST lands now
	h.pass(10 * time.Minute)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("a write that landed late stays: %v", left)
	}
}

func TestUnauthorizedHaltsEverythingAndNothingIsLost(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 5)
	h.register(alice, "alice laptop")
	broken := true
	h.account.next = func(int64, bool) fault {
		if broken {
			return unauthorized
		}
		return noFault
	}
	r := h.grant(alice, 2*time.Hour, "")
	h.work()
	if h.account.writes != 1 {
		t.Errorf("%d calls after the token was refused, want one", h.account.writes)
	}
	since, err := h.HaltedSince(h.ctx())
	if err != nil || since == "" {
		t.Fatalf("not halted: %v", err)
	}
	h.must(h.Resume(h.ctx()))
	halted := h.view(r.ID)
	broken = false
	h.must(h.Resume(h.ctx()))
	if going := h.view(r.ID); !halted.Halted || going.Halted || going.Drawing.Version == halted.Drawing.Version {
		t.Errorf("the request does not show why it waits: %t, then %t", halted.Halted, going.Halted)
	}
	h.work()
	if got := states(h.view(r.ID), access.PhaseAdd); got[access.Done] != 5 {
		t.Errorf("after it was mended %v", got)
	}
}

func TestWaitSetByAClockFarAheadIsCutShort(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	h.work()
	h.clock.Advance(300 * 24 * time.Hour)
	h.account.next = func(int64, bool) fault { return trouble }
	h.must(h.Sweep(h.ctx()))
	h.work() // the removal fails, and waits by the clock that is wrong
	h.account.next = nil
	h.clock.Advance(-300 * 24 * time.Hour)
	h.must(h.WakeDue(h.ctx()))
	h.pass(2 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("a removal waits for a clock that was wrong: %v", left)
	}
}
