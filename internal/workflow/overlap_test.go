package workflow_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestRevokedKeyThatIsRegisteredBeforeTheApproval(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := workflowtest.NewKey("alice laptop")
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: carol, Key: &key, Reason: "leaked"})
	h.Must(err)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	h.Approve(r.ID)
	h.Work()
	h.Settled(t, r.ID, true, "in the end")
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Done] != 2 || len(h.Account.Ours()) != 0 {
		t.Errorf("removals %v, keys %v", got, h.Account.Ours())
	}
	if keys, err := h.Keys(h.Ctx(), alice, alice); err != nil || len(keys) != 0 {
		t.Errorf("registered %v, %v", keys, err)
	}
}

func TestGrantThatTheSettingsRuleOutByNowIsRefused(t *testing.T) {
	t.Parallel()
	for name, tighten := range map[string]func(s *workflow.Settings){
		"for ever":    func(s *workflow.Settings) { s.AllowForever = false },
		"system user": func(s *workflow.Settings) { s.SystemUsers = []string{"runcloud"} },
	} {
		h := newHarness(t, 1)
		h.Settings.AllowForever = true
		h.MustRegister(alice, "alice laptop")
		r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "f", Asker: alice, Person: alice, Forever: true, SystemUser: "root"})
		h.Must(err)
		tighten(&h.Settings)
		if _, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve}); access.CodeOf(err) != access.Invalid {
			t.Errorf("%s: approved: %v", name, err)
		}
		if got := h.State(r.ID); got != access.Pending {
			t.Errorf("%s: the request is %s", name, got)
		}
	}
}
