package reconcile_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// Two grants of one key that end together are no reason for one another to keep it.
func TestEndOfTwoGrantsOfOneKeyIsNotSaidBeforeItIsGone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(h *harness) int64{
		"revoked": func(h *harness) int64 {
			r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Person: alice})
			h.Must(err)
			_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
			h.Must(err)
			return r.ID
		},
		"offboarded": func(h *harness) int64 { return h.MustOffboard(alice).ID },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.Engine.Settings.LongGrants = reconcile.Permanent
			h.MustRegister(alice, "alice laptop")
			h.Grant(alice, 20*time.Hour, "")
			h.Grant(alice, 30*time.Hour, "")
			h.Work()
			h.SetTarget(&held{Account: h.Account, ill: true})
			id := end(h)
			h.Pass(time.Hour)
			h.Settled(t, id, false, "while removals fail")
			if got := workflowtest.States(h.MustView(id), access.PhaseRemove); got[access.Waiting] != 2 {
				t.Errorf("removals %v, want both to wait", got)
			}
			h.SetTarget(h.Account)
			h.Pass(time.Hour)
			h.Settled(t, id, true, "in the end")
			if got := workflowtest.States(h.MustView(id), access.PhaseRemove); got[access.Done] != 2 || len(h.Account.Ours()) != 0 {
				t.Errorf("removals %v, keys %v", got, h.Account.Ours())
			}
		})
	}
}
