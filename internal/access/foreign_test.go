package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func (h *harness) ledgerID() (id string) {
	h.t.Helper()
	h.must(h.Store.Read(h.ctx(), func(tx access.Tx) (err error) {
		id, err = tx.Flag(h.ctx(), access.FlagLedgerID)
		return err
	}))
	return id
}

// labels lists the labels of the keys on a server, sorted.
func (h *harness) labels(server int64) (all []string) {
	h.t.Helper()
	found, err := h.account.List(h.ctx(), server)
	h.must(err)
	for _, c := range found {
		all = append(all, c.Label)
	}
	slices.Sort(all)
	return all
}

// Two installations may look after one account: each removes by itself only what it has
// labelled, and shows a person the rest.
func TestKeysOfAnotherLedgerAreNotTakenForOurs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	g := access.Grant{ID: 7, Person: alice, Alias: "alice"}
	ours := access.Label(h.ledgerID(), g, key.Fingerprint())
	theirs := access.Label("zzzzz", g, key.Fingerprint())
	older := strings.Replace(ours, h.ledgerID()+" ", "", 1)
	known := strings.Replace(older, "g7", "g8", 1)
	h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error { // placed before labels named the ledger
		_, err := tx.InsertPlacement(h.ctx(), access.Placement{ServerID: 1, SystemUser: "runcloud", Fingerprint: key.Fingerprint(), Person: alice, Label: known, State: access.PlacementGone})
		return err
	}))
	for _, label := range []string{ours, theirs, older, known} {
		h.account.strange(1, label, "runcloud", key.Authorized())
	}
	off := h.offboard(alice)
	h.work()
	if got, want := h.labels(1), []string{older, theirs}; !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	var shown []string
	for _, c := range h.view(off.ID).Candidates {
		shown = append(shown, c.Credential.Label)
	}
	slices.Sort(shown)
	if want := []string{older, theirs}; !slices.Equal(shown, want) {
		t.Errorf("an approver is shown %q, want %q", shown, want)
	}
}

// A key that was placed under the label of an older version is removed like any other.
func TestKeyUnderAnOlderLabelIsRemoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return lost
		}
		return noFault
	}
	r := h.grant(alice, time.Hour, "")
	older := strings.Replace(access.Label(h.ledgerID(), access.Grant{ID: r.GrantID, Person: alice, Alias: "ALICE"}, key.Fingerprint()), h.ledgerID()+" ", "", 1)
	h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error {
		p, err := tx.Placement(h.ctx(), 1)
		h.must(err)
		p.Label = older
		_, err = tx.MovePlacement(h.ctx(), p, p.State, p.Attempts)
		return err
	}))
	h.work() // the answer is lost: only the label tells which key it was
	if got := h.labels(1); !slices.Equal(got, []string{older}) {
		t.Fatalf("placed %q", got)
	}
	h.account.next = nil
	h.pass(2 * time.Hour)
	if left := h.labels(1); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}
