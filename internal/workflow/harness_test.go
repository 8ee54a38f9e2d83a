package workflow_test

import (
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// What every test of this package uses of workflowtest, by a short name.

type harness = workflowtest.Harness

const (
	alice = workflowtest.Alice
	bob   = workflowtest.Bob
	carol = workflowtest.Carol
	dave  = workflowtest.Dave
)

func newHarness(t testing.TB, servers int) *harness {
	t.Helper()
	return workflowtest.NewHarness(t, servers)
}

func refuses(t *testing.T, err error, code access.Code, words string) {
	t.Helper()
	workflowtest.Refuses(t, err, code, words)
}

// openDigest names what is to be decided about of a request, without the lookalikes.
func openDigest(v workflow.RequestView) string {
	open, _ := v.Open()
	return workflow.CandidatesDigest(open)
}
