package workflow_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// A year after, nothing is left of what is over but the audit log and what was decided for good;
// what is live goes on.
func TestHistoryIsPruned(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	for _, person := range []access.UserID{alice, carol, dave} {
		h.MustRegister(person, string(person)+" laptop")
	}
	h.Settings.AllowForever = true
	over := h.Grant(alice, time.Hour, "")
	h.Work()
	h.Pass(2 * time.Hour)
	forever, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "forever", Asker: carol, Person: carol, Forever: true, Servers: "web-01"})
	h.Must(err)
	h.Approve(forever.ID)
	h.Grant(dave, time.Hour, "web-02")
	h.Work()
	left := h.MustOffboard(dave)
	h.Work()
	if !h.MustView(left.ID).Settled() || len(h.Account.Ours()) != 1 {
		t.Fatalf("before: %v", h.Account.Ours())
	}
	events := len(h.VerifyAudit())
	h.Clock.Advance(400 * 24 * time.Hour)
	next := int64(0)
	for more := true; more; {
		next, more, err = h.Ledger.PruneHistory(h.Ctx(), h.Clock.Now().Add(-399*24*time.Hour), next)
		h.Must(err)
	}
	if n := len(h.VerifyAudit()); n != events {
		t.Errorf("the log has %d events, had %d", n, events)
	}
	_, err = h.View(h.Ctx(), over.ID)
	refuses(t, err, access.NotFound, "no such request")
	if v := h.MustView(left.ID); !v.Settled() || len(v.Results) == 0 {
		t.Errorf("the offboarding shows %d results", len(v.Results))
	}
	if v := h.MustView(forever.ID); v.Grant == nil || workflowtest.States(v, access.PhaseAdd)[access.Done] != 1 {
		t.Errorf("what is live shows %+v", v.Results)
	}
	page, err := h.Log(h.Ctx(), bob, workflow.LogQuery{About: access.AboutRequest(over.ID)})
	h.Must(err)
	if len(page.Entries) < 5 {
		t.Errorf("the log knows %d events of what was pruned", len(page.Entries))
	}
	h.MustOffboard(carol)
	h.Work()
	if ours := h.Account.Ours(); len(ours) != 0 {
		t.Errorf("left %v", ours)
	}
}
