package reconcile_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

func ledgerID(h *harness) (id string) {
	h.T.Helper()
	h.Must(h.Store.Read(h.Ctx(), func(tx access.Tx) (err error) {
		id, err = tx.Flag(h.Ctx(), access.FlagLedgerID)
		return err
	}))
	return id
}

// labelsOn lists the labels of the keys on a server, sorted.
func labelsOn(h *harness, server int64) (all []string) {
	h.T.Helper()
	found, err := h.Account.List(h.Ctx(), strconv.FormatInt(server, 10))
	h.Must(err)
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
	key := h.MustRegister(alice, "alice laptop")
	g := access.Grant{ID: 7, Person: alice, Alias: "alice"}
	ours := access.Label(ledgerID(h), g, key.Fingerprint())
	theirs := access.Label("zzzzz", g, key.Fingerprint())
	older := strings.Replace(ours, ledgerID(h)+" ", "", 1)
	known := strings.Replace(older, "g7", "g8", 1)
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error { // placed before labels named the ledger
		_, err := tx.InsertPlacement(h.Ctx(), access.Placement{ServerID: 1, SystemUser: "runcloud", Fingerprint: key.Fingerprint(), Person: alice, Label: known, State: access.PlacementGone})
		return err
	}))
	for _, label := range []string{ours, theirs, older, known} {
		h.Account.AddKey(1, label, "runcloud", key.Authorized())
	}
	off := h.MustOffboard(alice)
	h.Work()
	if got, want := labelsOn(h, 1), []string{older, theirs}; !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	var shown []string
	for _, c := range h.MustView(off.ID).Candidates {
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
	key := h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Lost
		}
		return workflowtest.NoFault
	}
	r := h.Grant(alice, time.Hour, "")
	older := strings.Replace(access.Label(ledgerID(h), access.Grant{ID: r.GrantID, Person: alice, Alias: "ALICE"}, key.Fingerprint()), ledgerID(h)+" ", "", 1)
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		p, err := tx.Placement(h.Ctx(), 1)
		h.Must(err)
		p.Label = older
		_, err = tx.MovePlacement(h.Ctx(), p, p.State, p.Attempts)
		return err
	}))
	h.Work() // the answer is lost: only the label tells which key it was
	if got := labelsOn(h, 1); !slices.Equal(got, []string{older}) {
		t.Fatalf("placed %q", got)
	}
	h.Account.Next = nil
	h.Pass(2 * time.Hour)
	if left := labelsOn(h, 1); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}
