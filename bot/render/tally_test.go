package render

import (
	"testing"

	"sshkeybot/internal/access"
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
