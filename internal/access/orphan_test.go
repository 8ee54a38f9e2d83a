package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// orphanRequests lists the requests that gather orphans.
func (h *harness) orphanRequests() (all []access.Request) {
	h.t.Helper()
	h.must(h.Store.Read(h.ctx(), func(tx access.Tx) (err error) {
		all, err = tx.Requests(h.ctx(), access.RequestQuery{Kinds: []access.RequestKind{access.KindOrphan}})
		return err
	}))
	return all
}

// live lets time go by as FindOrphans lives through it.
func (h *harness) live(d time.Duration) {
	h.t.Helper()
	for ; d > 0; d -= time.Minute {
		h.clock.Advance(time.Minute)
		h.must(h.FindOrphans(h.ctx()))
	}
}

// reopen has the domain go on with the ledger in a file.
func (h *harness) reopen(path string) {
	h.t.Helper()
	ledger, err := store.Open(h.ctx(), "sqlite:"+path, store.Options{Replica: "test"})
	h.must(err)
	h.ledger, h.Store = ledger, ledger
}

// restored has a backup of the ledger made, alice be granted access on all servers after
// that, and the backup restored.
func restored(t *testing.T, servers int) *harness {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	ledger, err := openLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	h := newHarnessOn(t, ledger, servers)
	t.Cleanup(func() { h.ledger.Close() })
	h.register(alice, "alice laptop")
	h.grant(alice, 24*time.Hour, "web-01")
	h.work()
	h.live(2 * time.Minute)
	h.ledger.Close()
	backup, err := os.ReadFile(path)
	h.must(err)
	h.reopen(path)
	h.grant(alice, 8*time.Hour, "")
	h.work()
	h.ledger.Close()
	h.must(os.WriteFile(path, backup, 0o600))
	h.reopen(path)
	h.clock.Advance(11 * time.Minute)
	return h
}

func TestKeysPlacedAfterABackupAreFoundAndDecidedAbout(t *testing.T) {
	t.Parallel()
	h := restored(t, 3)
	h.account.lists, h.account.writes = 0, 0
	h.live(time.Minute)
	found := h.orphanRequests()
	if len(found) != 1 || h.account.lists != 3 || h.account.writes != 0 {
		t.Fatalf("found %+v with %d lists and %d writes", found, h.account.lists, h.account.writes)
	}
	r := found[0]
	v := h.view(r.ID)
	if len(v.Candidates) != 2 || v.Undecided() != 2 || len(v.Deciders) != 2 {
		t.Fatalf("to decide about %+v by %v", v.Candidates, v.Deciders)
	}
	remove, keep := v.Candidates[0], v.Candidates[1]
	refuses(t, h.Pick(h.ctx(), r.ID, remove.ServerID, remove.Credential.ID, carol), access.Forbidden, "Only an approver")
	h.must(h.Pick(h.ctx(), r.ID, remove.ServerID, remove.Credential.ID, bob))
	h.must(h.Leave(h.ctx(), r.ID, keep.ServerID, keep.Credential.ID, bob))
	h.work()
	if got := states(h.view(r.ID), access.PhaseRemove); got[access.Done] != 1 || len(h.account.ours()) != 2 {
		t.Errorf("removals %v, left %v", got, h.account.ours())
	}
	h.live(25 * time.Hour)
	if again := h.orphanRequests(); len(again) != 1 || len(h.view(r.ID).Candidates) != 2 {
		t.Errorf("told again: %+v", again)
	}
	if told := h.events("orphan.found"); len(told) != 2 {
		t.Errorf("the log has %+v", told)
	}
}

// After a restored backup the ids of grants begin again: a new one takes over the key that
// carries its label, and then the ledger knows it.
func TestOrphanThatAGrantTookOverIsNotRemovedByItself(t *testing.T) {
	t.Parallel()
	h := restored(t, 2)
	h.live(time.Minute)
	orphan := h.view(h.orphanRequests()[0].ID).Candidates[0]
	h.grant(alice, 8*time.Hour, "")
	h.work()
	if got := h.account.ours(); len(got) != 2 {
		t.Fatalf("placed %v", got)
	}
	err := h.Pick(h.ctx(), orphan.RequestID, orphan.ServerID, orphan.Credential.ID, bob)
	refuses(t, err, access.Conflict, "accounts for this key by now")
	h.pass(25 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// What is found while nobody decides is told once; what comes up a day later is told in a
// message of its own.
func TestOrphansAreToldOnce(t *testing.T) {
	t.Parallel()
	h := restored(t, 2)
	h.live(26 * time.Hour)
	if found := h.orphanRequests(); len(found) != 1 || h.view(found[0].ID).Undecided() != 1 {
		t.Fatalf("found %+v", found)
	}
	label := access.Label(h.ledgerID(), access.Grant{ID: 900, Person: carol, Alias: "carol"}, newKey("carol laptop").Fingerprint())
	h.account.strange(1, label, "root", newKey("carol laptop").Authorized())
	h.account.strange(1, strings.Replace(label, h.ledgerID(), "zzzzz", 1), "root", newKey("carol laptop").Authorized())
	h.live(25 * time.Hour)
	found := h.orphanRequests()
	if len(found) != 2 {
		t.Fatalf("found %+v", found)
	}
	if v := h.view(found[1].ID); len(v.Candidates) != 1 || v.Candidates[0].Credential.Label != label {
		t.Errorf("found %+v", v.Candidates)
	}
}

// A bot that is at work all the time reads each server once a day, and the list of servers
// as often.
func TestCostOfLookingForOrphans(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 45)
	h.live(time.Hour)
	if a := h.account; a.lists+a.readings+a.asked != 0 {
		t.Errorf("RunCloud was asked for a ledger that has placed nothing")
	}
	_, err := h.FindServers(h.ctx(), bob, "")
	h.must(err)
	h.live(time.Hour) // the first reading
	h.account.lists, h.account.readings, h.account.asked = 0, 0, 0
	h.live(24 * time.Hour)
	if a := h.account; a.lists != 45 || a.readings != 1 || a.asked != 0 {
		t.Errorf("%d lists, %d readings and %d questions in a day", a.lists, a.readings, a.asked)
	}
}

// Keys whose calls are under way, or whose answers were lost, are no orphans.
func TestKeysBeingSettledAreNoOrphans(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return lost
		}
		return noFault
	}
	h.grant(alice, time.Hour, "")
	h.work()
	if len(h.account.ours()) != 1 {
		t.Fatalf("placed %v", h.account.ours())
	}
	h.clock.Advance(11 * time.Minute)
	h.live(time.Minute)
	if found := h.orphanRequests(); len(found) != 0 || h.account.lists == 0 {
		t.Errorf("found %+v after %d lists", found, h.account.lists)
	}
	h.account.next = nil
	h.pass(2 * time.Hour)
	h.live(time.Minute)
	if found := h.orphanRequests(); len(found) != 0 || len(h.account.ours()) != 0 {
		t.Errorf("found %+v, left %v", found, h.account.ours())
	}
}

// A reading that fails is made up for, and does not stop the others.
func TestReadingForOrphansThatFailsIsMadeUpFor(t *testing.T) {
	t.Parallel()
	h := restored(t, 3)
	h.account.next = func(server int64, _ bool) fault {
		if server == 2 {
			return trouble
		}
		return noFault
	}
	h.live(time.Minute)
	found := h.orphanRequests()
	if len(found) != 1 || h.view(found[0].ID).Undecided() != 1 {
		t.Fatalf("found %+v", found)
	}
	h.account.next = func(int64, bool) fault { return unauthorized }
	h.clock.Advance(20 * time.Minute)
	if err := h.FindOrphans(h.ctx()); access.CodeOf(err) != access.Unauthorized {
		t.Errorf("refused by RunCloud: %v", err)
	}
	h.account.next = nil
	h.must(h.Resume(h.ctx()))
	h.live(20 * time.Minute)
	if got := h.view(found[0].ID).Undecided(); got != 2 {
		t.Errorf("%d to decide about once RunCloud is back", got)
	}
}
