package reconcile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
	"sshkeybot/internal/workflow/workflowtest"
)

// orphanRequests lists the requests that gather orphans.
func orphanRequests(h *harness) (all []access.Request) {
	h.T.Helper()
	h.Must(h.Store.Read(h.Ctx(), func(tx access.Tx) (err error) {
		all, err = tx.Requests(h.Ctx(), access.RequestQuery{Kinds: []access.RequestKind{access.KindOrphan}})
		return err
	}))
	return all
}

// runFor lets time go by as FindOrphans lives through it.
func runFor(h *harness, d time.Duration) {
	h.T.Helper()
	for ; d > 0; d -= time.Minute {
		h.Clock.Advance(time.Minute)
		h.Must(h.Engine.FindOrphans(h.Ctx()))
	}
}

// reopenLedger has the domain go on with the ledger in a file.
func reopenLedger(h *harness, path string) {
	h.T.Helper()
	ledger, err := store.Open(h.Ctx(), "sqlite:"+path, store.Options{Replica: "test"})
	h.Must(err)
	h.Ledger = ledger
	h.SetStore(ledger)
}

// restored has a backup of the ledger made, alice be granted access on all servers after
// that, and the backup restored.
func restored(t *testing.T, servers int) *harness {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	ledger, err := workflowtest.OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	h := workflowtest.NewHarnessOn(t, ledger, servers)
	t.Cleanup(func() { h.Ledger.Close() })
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 24*time.Hour, "web-01")
	h.Work()
	runFor(h, 2*time.Minute)
	h.Ledger.Close()
	backup, err := os.ReadFile(path)
	h.Must(err)
	reopenLedger(h, path)
	h.Grant(alice, 8*time.Hour, "")
	h.Work()
	h.Ledger.Close()
	h.Must(os.WriteFile(path, backup, 0o600))
	reopenLedger(h, path)
	h.Clock.Advance(11 * time.Minute)
	return h
}

func TestKeysPlacedAfterABackupAreFoundAndDecidedAbout(t *testing.T) {
	t.Parallel()
	h := restored(t, 3)
	h.Account.Lists, h.Account.Writes = 0, 0
	runFor(h, time.Minute)
	found := orphanRequests(h)
	if len(found) != 1 || h.Account.Lists != 3 || h.Account.Writes != 0 {
		t.Fatalf("found %+v with %d lists and %d writes", found, h.Account.Lists, h.Account.Writes)
	}
	r := found[0]
	v := h.MustView(r.ID)
	if len(v.Candidates) != 2 || v.Undecided() != 2 || len(v.Deciders) != 2 {
		t.Fatalf("to decide about %+v by %v", v.Candidates, v.Deciders)
	}
	remove, keep := v.Candidates[0], v.Candidates[1]
	refuses(t, h.Pick(h.Ctx(), r.ID, remove.ServerID, remove.Credential.ID, carol), access.Forbidden, "Only an approver")
	h.Must(h.Pick(h.Ctx(), r.ID, remove.ServerID, remove.Credential.ID, bob))
	h.Must(h.Spare(h.Ctx(), r.ID, keep.ServerID, keep.Credential.ID, bob))
	h.Work()
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Done] != 1 || len(h.Account.Ours()) != 2 {
		t.Errorf("removals %v, left %v", got, h.Account.Ours())
	}
	runFor(h, 25*time.Hour)
	if again := orphanRequests(h); len(again) != 1 || len(h.MustView(r.ID).Candidates) != 2 {
		t.Errorf("told again: %+v", again)
	}
	if told := h.Events(access.DidOrphanFound); len(told) != 2 {
		t.Errorf("the log has %+v", told)
	}
}

// After a restored backup the ids of grants begin again: a new one takes over the key that
// carries its label, and then the ledger knows it.
func TestOrphanThatAGrantTookOverIsNotRemovedByItself(t *testing.T) {
	t.Parallel()
	h := restored(t, 2)
	runFor(h, time.Minute)
	orphan := h.MustView(orphanRequests(h)[0].ID).Candidates[0]
	h.Grant(alice, 8*time.Hour, "")
	h.Work()
	if got := h.Account.Ours(); len(got) != 2 {
		t.Fatalf("placed %v", got)
	}
	err := h.Pick(h.Ctx(), orphan.RequestID, orphan.ServerID, orphan.Credential.ID, bob)
	refuses(t, err, access.Conflict, "accounts for this key by now")
	h.Pass(25 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// What is found while nobody decides is told once; what comes up a day later is told in a
// message of its own.
func TestOrphansAreToldOnce(t *testing.T) {
	t.Parallel()
	h := restored(t, 2)
	runFor(h, 26*time.Hour)
	if found := orphanRequests(h); len(found) != 1 || h.MustView(found[0].ID).Undecided() != 1 {
		t.Fatalf("found %+v", found)
	}
	label := access.Label(ledgerID(h), access.Grant{ID: 900, Person: carol, Alias: "carol"}, workflowtest.NewKey("carol laptop").Fingerprint())
	h.Account.AddKey(1, label, "root", workflowtest.NewKey("carol laptop").Authorized())
	h.Account.AddKey(1, strings.Replace(label, ledgerID(h), "zzzzz", 1), "root", workflowtest.NewKey("carol laptop").Authorized())
	runFor(h, 25*time.Hour)
	found := orphanRequests(h)
	if len(found) != 2 {
		t.Fatalf("found %+v", found)
	}
	if v := h.MustView(found[1].ID); len(v.Candidates) != 1 || v.Candidates[0].Credential.Label != label {
		t.Errorf("found %+v", v.Candidates)
	}
}

// A bot that is at work all the time reads each server once a day, and the list of servers
// as often.
func TestCostOfLookingForOrphans(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 45)
	runFor(h, time.Hour)
	if a := h.Account; a.Lists+a.Readings+a.Asked != 0 {
		t.Errorf("RunCloud was asked for a ledger that has placed nothing")
	}
	_, err := h.FindServers(h.Ctx(), bob, "")
	h.Must(err)
	runFor(h, time.Hour) // the first reading
	h.Account.Lists, h.Account.Readings, h.Account.Asked = 0, 0, 0
	runFor(h, 24*time.Hour)
	if a := h.Account; a.Lists != 45 || a.Readings != 1 || a.Asked != 0 {
		t.Errorf("%d lists, %d readings and %d questions in a day", a.Lists, a.Readings, a.Asked)
	}
}

// Keys whose calls are under way, or whose answers were lost, are no orphans.
func TestKeysBeingSettledAreNoOrphans(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Lost
		}
		return workflowtest.NoFault
	}
	h.Grant(alice, time.Hour, "")
	h.Work()
	if len(h.Account.Ours()) != 1 {
		t.Fatalf("placed %v", h.Account.Ours())
	}
	h.Clock.Advance(11 * time.Minute)
	runFor(h, time.Minute)
	if found := orphanRequests(h); len(found) != 0 || h.Account.Lists == 0 {
		t.Errorf("found %+v after %d lists", found, h.Account.Lists)
	}
	h.Account.Next = nil
	h.Pass(2 * time.Hour)
	runFor(h, time.Minute)
	if found := orphanRequests(h); len(found) != 0 || len(h.Account.Ours()) != 0 {
		t.Errorf("found %+v, left %v", found, h.Account.Ours())
	}
}

// A reading that fails is made up for, and does not stop the others.
func TestReadingForOrphansThatFailsIsMadeUpFor(t *testing.T) {
	t.Parallel()
	h := restored(t, 3)
	h.Account.Next = func(server int64, _ bool) workflowtest.Fault {
		if server == 2 {
			return workflowtest.Trouble
		}
		return workflowtest.NoFault
	}
	runFor(h, time.Minute)
	found := orphanRequests(h)
	if len(found) != 1 || h.MustView(found[0].ID).Undecided() != 1 {
		t.Fatalf("found %+v", found)
	}
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Unauthorized }
	h.Clock.Advance(20 * time.Minute)
	if err := h.Engine.FindOrphans(h.Ctx()); access.CodeOf(err) != access.Unauthorized {
		t.Errorf("refused by RunCloud: %v", err)
	}
	h.Account.Next = nil
	h.Must(h.Engine.Resume(h.Ctx()))
	runFor(h, 20*time.Minute)
	if got := h.MustView(found[0].ID).Undecided(); got != 2 {
		t.Errorf("%d to decide about once RunCloud is back", got)
	}
}
