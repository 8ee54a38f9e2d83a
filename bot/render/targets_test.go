package render

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// A sentence about some servers of a request names their targets, and no other.
func TestSentencesNameTheTargetsConcerned(t *testing.T) {
	t.Parallel()
	on := func(title string, server int64, phase access.Phase, state access.ResultState) access.Result {
		return access.Result{RequestID: 12, TargetTitle: title, ServerID: server, ServerName: "web", Phase: phase, State: state}
	}
	v := workflow.RequestView{
		Request: access.Request{ID: 12, Kind: access.KindOffboard, State: access.Approved},
		Missing: []access.ServerRef{{ID: 1}},
		Results: []access.Result{
			on("A", 1, access.PhaseRemove, access.Waiting), on("B", 2, access.PhaseRemove, access.OutOfReach), on("C", 3, access.PhaseRemove, access.Done),
		},
	}
	both := v
	both.Missing = []access.ServerRef{{ID: 1}, {ID: 3}}
	both.Results = append([]access.Result{on("D", 4, access.PhaseRemove, access.Unsure)}, v.Results...)
	v.HaltedBy, both.HaltedBy = []string{"A", "B"}, []string{"A", "B", "D"}
	missing := func(v workflow.RequestView) string {
		var p page
		p.missing(v)
		return strings.Join(p.lines, "\n")
	}
	for _, c := range []struct{ got, want string }{
		{missing(v), "*A does not find 1 server now.*"},
		{missing(both), "*A and C do not find 2 servers now.*"},
		{halted(v), " *A refuses my token (401):*"},
		{halted(both), " *A and D refuse my tokens (401):*"},
		{strings.Join(manualSteps(v), "\n"), "gone from the B account"},
		{accountNote(v), " of the A and B and C accounts"},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// An offboarding speaks only of what its targets have: not of another one's dashboard, and not
// of sessions where nobody can be logged in.
func TestOffboardingOnTheVaultAlone(t *testing.T) {
	t.Parallel()
	h := workflowtest.NewHarness(t, 0)
	v := &workflowtest.Vault{}
	h.SetTarget(v)
	h.MustRegister(workflowtest.Alice, "alice laptop")
	h.Grant(workflowtest.Alice, time.Hour, "vault")
	h.Work()
	check := func(id int64, title string) {
		t.Helper()
		drawn := string(encode(t, Request(h.MustView(id), h.Now())))
		if !strings.Contains(drawn, title) || strings.Contains(drawn, "RunCloud") || strings.Contains(drawn, "SSH session") || strings.Contains(drawn, "sessions") {
			t.Errorf("want %q, and no word of RunCloud or of sessions:\n%s", title, drawn)
		}
	}
	v.Down = true
	off := h.MustOffboard(workflowtest.Alice)
	h.Work()
	check(off.ID, "Offboarding (request")
	v.Down = false
	h.Pass(time.Hour)
	check(off.ID, "Offboarded (request")
	if len(v.Keys) != 0 {
		t.Errorf("the vault has %+v", v.Keys)
	}
}
