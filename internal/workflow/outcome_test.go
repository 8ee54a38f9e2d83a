package workflow_test

import (
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func TestSettled(t *testing.T) {
	t.Parallel()
	results := []access.Result{
		{Phase: access.PhaseAdd, ServerID: 1, State: access.Waiting}, // not owed: nothing has to leave
		{Phase: access.PhaseRemove, ServerID: 1, State: access.Done},
		{Phase: access.PhaseRemove, ServerID: 2, State: access.Kept},
		{Phase: access.PhaseRemove, ServerID: 3, State: access.OutOfReach},
		{Phase: access.PhaseInspect, ServerID: 1, State: access.Done},
	}
	if v := (workflow.RequestView{Results: results}); !v.Settled() {
		t.Errorf("nothing is owed: %+v", results)
	}
	if v := (workflow.RequestView{Results: results, Owed: 1}); v.Settled() {
		t.Errorf("a key may be on a server, whatever the results say")
	}
	for _, state := range []access.ResultState{access.Waiting, access.Failed, access.Unsure} {
		for _, phase := range []access.Phase{access.PhaseRemove, access.PhaseInspect} {
			open := append(results[:5:5], access.Result{Phase: phase, ServerID: 3, State: state})
			if v := (workflow.RequestView{Results: open}); v.Settled() {
				t.Errorf("%s %s must be owed", phase, state)
			}
		}
	}
}
