package access_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// alter puts another key into the row of a registered one.
func (h *harness) alter(fingerprint string, to sshkey.Key) {
	h.t.Helper()
	h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error {
		row, err := tx.Key(h.ctx(), fingerprint)
		h.must(err)
		row.Type, row.Blob = to.Type, to.Blob
		return tx.SaveKey(h.ctx(), row)
	}))
}

func TestAlteredKeyIsNotPlaced(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.register(alice, "alice laptop")
	r := h.ask(alice, 2*time.Hour, "")
	h.alter(key.Fingerprint(), newKey("somebody else"))
	h.approve(r.ID)
	h.work()
	if h.account.writes != 0 {
		t.Fatalf("placed %v", h.account.ours())
	}
	v := h.view(r.ID)
	if got := states(v, access.PhaseAdd); got[access.Failed] != 2 || v.Results[0].Problem != access.ProblemDamaged {
		t.Errorf("results %+v", v.Results)
	}
	if told := h.events("placement.damaged"); len(told) != 2 || told[0].Detail != key.Fingerprint() {
		t.Errorf("the log has %+v", told)
	}
	h.alter(key.Fingerprint(), key)
	n, err := h.RetryFailed(h.ctx(), r.ID, alice)
	h.must(err)
	h.work()
	if got := h.account.ours(); n != 2 || len(got) != 2 {
		t.Errorf("mended and retried (%d), placed are %v", n, got)
	}
}

// A renewal finds the row altered that the first placing had found in order.
func TestAlteredKeyIsNotRenewed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	r := h.grant(alice, 24*time.Hour, "")
	h.work()
	h.alter(key.Fingerprint(), newKey("somebody else"))
	h.pass(12 * time.Hour)
	if got := h.account.ours(); len(got) != 0 {
		t.Errorf("placed %v", got)
	}
	if got := states(h.view(r.ID), access.PhaseAdd); got[access.Failed] != 1 || len(h.notices(access.NoticeLapsed)) != 1 {
		t.Errorf("results %v, told %+v", got, h.notices(access.NoticeLapsed))
	}
}

// An offboarding looks for the leaver's keys: not for what somebody has put in their place.
func TestAlteredKeyIsNoReasonToRemoveAnother(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.account.complete = true
	key, colleagues := h.register(alice, "alice laptop"), newKey("carol laptop")
	label := access.Label(h.ledgerID(), access.Grant{ID: 70, Person: carol, Alias: "carol"}, colleagues.Fingerprint())
	h.account.strange(1, label, "runcloud", colleagues.Authorized())
	h.account.strange(1, "by hand", "runcloud", colleagues.Authorized())
	h.alter(key.Fingerprint(), colleagues)
	off := h.offboard(alice)
	h.work()
	if left := h.labels(1); len(left) != 2 || len(h.view(off.ID).Candidates) != 0 {
		t.Errorf("left %q, to choose from %+v", left, h.view(off.ID).Candidates)
	}
}
