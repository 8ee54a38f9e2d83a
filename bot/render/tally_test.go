package render

import (
	"slices"
	"strings"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func TestTheListOfServersIsNoServer(t *testing.T) {
	t.Parallel()
	read := access.Result{Phase: access.PhaseInspect, ServerID: 7, ServerName: "web-01", State: access.Done}
	for state, want := range map[access.ResultState]int{access.Done: 1, access.Waiting: 2} {
		list := access.Result{Phase: access.PhaseList, State: state}
		if got := tallyOf([]access.Result{list, read}, access.PhaseInspect).servers; got != want {
			t.Errorf("with the list %s: %d servers, want %d", state, got, want)
		}
	}
}

// A message every day is no reason to ring whoever has access.
func TestTheDailySummaryMentionsNobodyWhoHasAccess(t *testing.T) {
	t.Parallel()
	held := small().access()
	held.Grant.Alias = "émile"
	m, _ := Daily(workflow.Overview{Grants: []workflow.GrantView{held}})
	if strings.Contains(m.Text, "<@") || !strings.Contains(m.Text, "\n• Émile as `runcloud`") {
		t.Errorf("it says: %s", m.Text)
	}
	held.Grant.Alias = "" // of a grant from before names were kept
	if m, _ = Daily(workflow.Overview{Grants: []workflow.GrantView{held}}); !slices.Contains(strings.Fields(m.Text), mention(bob)) {
		t.Errorf("it names nobody: %s", m.Text)
	}
}
