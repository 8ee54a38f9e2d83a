package access_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// A public key can be registered by everybody who has seen it: that is no reason to have it
// removed where somebody else placed it.
func TestRegisteredIsNotProved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(h *harness)
		gone   bool
	}{
		"nobody has registered it": {func(*harness) {}, true},
		"carol has registered it":  {func(h *harness) { h.register(carol, "ci") }, false},
		"carol has proved it": {func(h *harness) {
			h.Settings.ProveAlways = true
			h.prove(h.challenged(carol, "ci", access.ProofAlways), "ci")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			key := newKey("ci")
			tc.before(h)
			h.account.complete = true
			placed := h.account.strange(1, "ci", "runcloud", key.Line("ci"))
			ask := access.RevokeAsk{Source: h.nextSource(), Asker: carol, Key: &key}
			r, err := h.AskRevoke(h.ctx(), ask)
			h.must(err)
			h.approve(r.ID)
			h.work()
			found := h.view(r.ID).Candidates
			if gone := len(h.account.keys[1]) == 0; gone != tc.gone || gone == (len(found) == 1) {
				t.Fatalf("gone: %v, to decide about: %+v", gone, found)
			}
			if tc.gone {
				return
			}
			if found[0].Credential.ID != placed || found[0].Why != access.WhyWhole {
				t.Errorf("to decide about is %+v", found[0])
			}
			h.must(h.Pick(h.ctx(), r.ID, 1, placed, dave))
			h.work()
			if left := h.account.keys[1]; len(left) != 0 {
				t.Errorf("left though an approver picked it: %+v", left)
			}
		})
	}
}

// Taking the key off one's list in time does not make it nobody's for the revocation.
func TestRemovedBeforeTheRevocationIsNotProvedEither(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(carol, "ci")
	h.account.complete = true
	h.account.strange(1, "ci", "runcloud", key.Line("ci"))
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: carol, Key: &key})
	h.must(err)
	h.must(h.RemoveKey(h.ctx(), carol, key.Fingerprint()))
	h.approve(r.ID)
	h.work()
	if left := h.account.keys[1]; len(left) != 1 || len(h.view(r.ID).Candidates) != 1 {
		t.Errorf("left %+v, to decide about %+v", left, h.view(r.ID).Candidates)
	}
}

func TestOpenRevocationNamesWhoHoldsTheKeyNow(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvals = 2
	h.Settings.Approvers = append(h.Settings.Approvers, "U0ERIN")
	key := h.register(carol, "contested")
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: carol, Fingerprint: key.Fingerprint()})
	h.must(err)
	draft, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "d", Asker: dave, Fingerprint: key.Fingerprint()})
	h.must(err)
	h.approve(r.ID)
	h.prove(h.challenged(alice, "contested", access.ProofHeld), "contested")
	if v := h.view(r.ID); v.Request.Person != alice || len(v.Approvals) != 0 || v.Request.State != access.Pending {
		t.Errorf("it is about %s, %s, with %d approvals", v.Request.Person, v.Request.State, len(v.Approvals))
	}
	_, err = h.Confirm(h.ctx(), draft.ID, dave, time.Time{})
	refuses(t, err, access.Conflict, "cancelled")
}
