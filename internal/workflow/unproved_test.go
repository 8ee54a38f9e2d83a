package workflow_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
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
		"carol has registered it":  {func(h *harness) { h.MustRegister(carol, "ci") }, false},
		"carol has proved it": {func(h *harness) {
			h.Settings.ProveAlways = true
			mustProve(h, challenged(h, carol, "ci", workflow.ProofAlways), "ci")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			key := workflowtest.NewKey("ci")
			tc.before(h)
			h.Account.Complete = true
			placed := h.Account.AddKey(1, "ci", "runcloud", key.Line("ci"))
			ask := workflow.RevokeAsk{Source: h.NextSource(), Asker: carol, Key: &key}
			r, err := h.AskRevoke(h.Ctx(), ask)
			h.Must(err)
			h.Approve(r.ID)
			h.Work()
			found := h.MustView(r.ID).Candidates
			if gone := len(h.Account.Keys[1]) == 0; gone != tc.gone || gone == (len(found) == 1) {
				t.Fatalf("gone: %v, to decide about: %+v", gone, found)
			}
			if tc.gone {
				return
			}
			if found[0].Credential.ID != placed || found[0].Why != access.WhyWhole {
				t.Errorf("to decide about is %+v", found[0])
			}
			h.Must(h.Pick(h.Ctx(), r.ID, 1, placed, dave))
			h.Work()
			if left := h.Account.Keys[1]; len(left) != 0 {
				t.Errorf("left though an approver picked it: %+v", left)
			}
		})
	}
}

// Taking the key off one's list in time does not make it nobody's for the revocation.
func TestRemovedBeforeTheRevocationIsNotProvedEither(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(carol, "ci")
	h.Account.Complete = true
	h.Account.AddKey(1, "ci", "runcloud", key.Line("ci"))
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: carol, Key: &key})
	h.Must(err)
	h.Must(h.RemoveKey(h.Ctx(), carol, key.Fingerprint()))
	h.Approve(r.ID)
	h.Work()
	if left := h.Account.Keys[1]; len(left) != 1 || len(h.MustView(r.ID).Candidates) != 1 {
		t.Errorf("left %+v, to decide about %+v", left, h.MustView(r.ID).Candidates)
	}
}

func TestOpenRevocationNamesWhoHoldsTheKeyNow(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvals = 2
	h.Settings.Approvers = append(h.Settings.Approvers, "U0ERIN")
	key := h.MustRegister(carol, "contested")
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: carol, Fingerprint: key.Fingerprint()})
	h.Must(err)
	draft, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "d", Asker: dave, Fingerprint: key.Fingerprint()})
	h.Must(err)
	h.Approve(r.ID)
	mustProve(h, challenged(h, alice, "contested", workflow.ProofHeld), "contested")
	if v := h.MustView(r.ID); v.Request.Person != alice || len(v.Approvals) != 0 || v.Request.State != access.Pending {
		t.Errorf("it is about %s, %s, with %d approvals", v.Request.Person, v.Request.State, len(v.Approvals))
	}
	_, err = h.Confirm(h.Ctx(), draft.ID, dave, time.Time{})
	refuses(t, err, access.Conflict, "cancelled")
}
