package reconcile_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow/workflowtest"
)

// alterKey puts another key into the row of a registered one.
func alterKey(h *harness, fingerprint string, to sshkey.Key) {
	h.T.Helper()
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		row, err := tx.Key(h.Ctx(), fingerprint)
		h.Must(err)
		row.Type, row.Blob = to.Type, to.Blob
		return tx.SaveKey(h.Ctx(), row)
	}))
}

func TestAlteredKeyIsNotPlaced(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, 2*time.Hour, "")
	alterKey(h, key.Fingerprint(), workflowtest.NewKey("somebody else"))
	h.Approve(r.ID)
	h.Work()
	if h.Account.Writes != 0 {
		t.Fatalf("placed %v", h.Account.Ours())
	}
	v := h.MustView(r.ID)
	if got := workflowtest.States(v, access.PhaseAdd); got[access.Failed] != 2 || v.Results[0].Problem != access.ProblemDamaged {
		t.Errorf("results %+v", v.Results)
	}
	if told := h.Events(access.DidPlacementDamaged); len(told) != 2 || told[0].Detail != key.Fingerprint() {
		t.Errorf("the log has %+v", told)
	}
	alterKey(h, key.Fingerprint(), key)
	n, err := h.RetryFailed(h.Ctx(), r.ID, alice)
	h.Must(err)
	h.Work()
	if got := h.Account.Ours(); n != 2 || len(got) != 2 {
		t.Errorf("mended and retried (%d), placed are %v", n, got)
	}
}

// A renewal finds the row altered that the first placing had found in order.
func TestAlteredKeyIsNotRenewed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, 24*time.Hour, "")
	h.Work()
	alterKey(h, key.Fingerprint(), workflowtest.NewKey("somebody else"))
	h.Pass(12 * time.Hour)
	if got := h.Account.Ours(); len(got) != 0 {
		t.Errorf("placed %v", got)
	}
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Failed] != 1 || len(h.Notices(access.NoticeLapsed)) != 1 {
		t.Errorf("results %v, told %+v", got, h.Notices(access.NoticeLapsed))
	}
}

// An offboarding looks for the leaver's keys: not for what somebody has put in their place.
func TestAlteredKeyIsNoReasonToRemoveAnother(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Account.Complete = true
	key, colleagues := h.MustRegister(alice, "alice laptop"), workflowtest.NewKey("carol laptop")
	label := access.Label(ledgerID(h), access.Grant{ID: 70, Person: carol, Alias: "carol"}, colleagues.Fingerprint())
	h.Account.AddKey(1, label, "runcloud", colleagues.Authorized())
	h.Account.AddKey(1, "by hand", "runcloud", colleagues.Authorized())
	alterKey(h, key.Fingerprint(), colleagues)
	off := h.MustOffboard(alice)
	h.Work()
	if left := labelsOn(h, 1); len(left) != 2 || len(h.MustView(off.ID).Candidates) != 0 {
		t.Errorf("left %q, to choose from %+v", left, h.MustView(off.ID).Candidates)
	}
}
