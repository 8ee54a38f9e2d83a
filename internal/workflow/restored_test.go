package workflow_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// fromCopy has a copy of the ledger made once before has been called, and put back and marked once
// after has.
func fromCopy(t *testing.T, servers int, before, after func(h *harness)) (*harness, access.Restored) {
	t.Helper()
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "copy.db")
	ledger, err := workflowtest.OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	h := workflowtest.NewHarnessOn(t, ledger, servers)
	before(h)
	h.Must(store.Backup(h.Ctx(), path, copied))
	after(h)
	ledger.Close()
	again, err := store.Open(h.Ctx(), "sqlite:"+copied, store.Options{Replica: "test"})
	h.Must(err)
	t.Cleanup(again.Close)
	h.Ledger = again
	h.SetStore(again)
	h.Clock.Advance(time.Minute)
	mark, err := h.MarkRestored(h.Ctx())
	h.Must(err)
	return h, mark
}

// readAll has everything read that a restored ledger waits for.
func readAll(h *harness) {
	h.T.Helper()
	h.Must(h.Engine.FindOrphans(h.Ctx()))
	h.Must(h.FindDeactivated(h.Ctx()))
	h.Must(h.FindDeactivated(h.Ctx())) // if the list was older than the mark
	h.Must(h.WatchRestored(h.Ctx()))
}

// A key that was renewed after the copy has another id, and is the same key. One that is missing may
// have been taken away for a reason. Neither is placed, or renewed, before somebody goes on.
func TestRestoredLedgerMeetsItsKeys(t *testing.T) {
	t.Parallel()
	h, mark := fromCopy(t, 2, func(h *harness) {
		h.MustRegister(alice, "alice laptop")
		h.Grant(alice, 3*24*time.Hour, "")
		h.Work()
	}, func(h *harness) {
		h.Pass(11*time.Hour + 20*time.Minute)
		h.Account.Keys[2] = nil // as a revocation did that the copy does not know
	})
	readAll(h)
	v := h.MustView(mark.Request)
	if len(v.Restored.Found) != 0 || len(v.Restored.Gone) != 1 || !v.Restored.Ready() || len(v.Restored.Live) != 1 {
		t.Fatalf("what was found: %+v", v.Restored)
	}
	on1 := h.Placements(access.PlacementQuery{Server: 1, States: []access.PlacementState{access.PlacementPlaced}})
	if len(on1) != 1 || on1[0].CredentialID != h.Account.Keys[1][0].ID {
		t.Fatalf("on the first server: %+v", on1)
	}
	writes := h.Account.Writes
	h.Pass(13 * time.Hour)
	if n := h.Account.Writes; n != writes || len(h.Account.KeysOf(alice)) != 0 {
		t.Errorf("%d calls changed keys while nobody had gone on, and there are %v", n-writes, h.Account.KeysOf(alice))
	}
	h.Approve(mark.Request)
	h.Pass(20 * time.Minute)
	if got := h.Account.KeysOf(alice); !slices.Equal(got, []int64{1}) {
		t.Errorf("after it, alice has keys on %v, want where the target's own timer took it", got)
	}
	h.VerifyAudit()
}

// An approver goes on once, with what was shown, and only when everything was read.
func TestGoingOnWithARestoredLedger(t *testing.T) {
	t.Parallel()
	var asked access.Request
	h, mark := fromCopy(t, 2, func(h *harness) {
		h.MustRegister(alice, "alice laptop")
		asked = h.Ask(alice, time.Hour, "")
	}, func(h *harness) { h.Approve(asked.ID); h.Work() })
	if got := h.State(asked.ID); got != access.Cancelled || mark.Closed != 1 {
		t.Errorf("what was open is %s", got)
	}
	if mark.Request <= 1_000_000 || mark.Request != mark.Last.Skipped+1 {
		t.Errorf("the request to go on has number %d", mark.Request)
	}
	decide := func(by access.UserID, verdict access.Verdict, shown string) error {
		_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: mark.Request, Actor: by, Verdict: verdict, Shown: shown})
		return err
	}
	refuses(t, decide(bob, access.Approve, ""), access.Conflict, "Not everything was read yet")
	readAll(h)
	v := h.MustView(mark.Request)
	if n := len(v.Restored.Found); n != 2 {
		t.Errorf("%d unknown keys were found", n)
	}
	shown := v.Facts.Digest()
	refuses(t, decide(carol, access.Approve, shown), access.Forbidden, "Only an approver")
	refuses(t, decide(bob, access.Deny, shown), access.Conflict, "nothing to deny")

	h.Account.AddKey(2, h.Account.Keys[1][0].Label, "root", h.Account.Keys[1][0].PublicKey)
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error { return h.Engine.ReadAll(h.Ctx(), tx) }))
	readAll(h)
	refuses(t, decide(bob, access.Approve, shown), access.Conflict, "changed")
	early := h.Ask(alice, time.Hour, "")
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: early.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "Nothing is granted until")
	h.Must(decide(bob, access.Approve, ""))
	refuses(t, decide(dave, access.Approve, ""), access.Conflict, "approved already")
	if g := h.Approve(early.ID); g.GrantID <= 1_000_000 {
		t.Errorf("grant %d", g.GrantID)
	}
	h.VerifyAudit()
}

// While a list is doubted nobody can go on, and it says why. Nor while it is not known who left.
func TestRestoredLedgerWaitsForItsLists(t *testing.T) {
	t.Parallel()
	h, mark := fromCopy(t, 2, func(h *harness) {
		h.MustRegister(alice, "alice laptop")
		h.Grant(alice, time.Hour, "")
		h.Work()
	}, func(*harness) {})
	names := h.Account.Names
	h.Account.Names = map[int64]string{}
	h.People.Set(alice, access.Deactivated)
	readAll(h)
	v := h.MustView(mark.Request).Restored
	if v.Ready() || len(v.Unread.Targets) != 1 || v.Unread.Targets[0].Doubt == "" {
		t.Errorf("with an empty list: %+v", v.Unread)
	}
	if len(v.Left) != 1 || v.Left[0].Person != alice {
		t.Errorf("who left: %+v", v.Left)
	}
	h.Account.Names = names
	h.Clock.Advance(10 * time.Minute)
	readAll(h)
	if v = h.MustView(mark.Request).Restored; !v.Ready() {
		t.Errorf("with the whole list: %+v", v.Unread)
	}
	if n := len(h.Notices(access.NoticeDecidable)); n != 1 {
		t.Errorf("the approvers are called %d times", n)
	}
}

// What was made after the copy is not there, and who asks for it is told why.
func TestLostRequests(t *testing.T) {
	t.Parallel()
	lost := int64(0)
	h, _ := fromCopy(t, 1, func(h *harness) {
		h.MustRegister(alice, "alice laptop")
		h.Ask(alice, time.Hour, "")
	}, func(h *harness) { lost = h.Ask(alice, 2*time.Hour, "").ID })
	_, err := h.View(h.Ctx(), lost)
	refuses(t, err, access.NotFound, "restored from a copy that is older")
	_, err = h.View(h.Ctx(), 999_999_999_999)
	refuses(t, err, access.NotFound, "There is no such request")
	err = h.OrLost(h.Ctx(), access.NewNotFound("You have no access."), 0, 1)
	refuses(t, err, access.NotFound, "I do not know this access any more")
}
