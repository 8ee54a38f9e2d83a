package octopussim

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/sim/nodetest"
)

// TestOctopusOwnClient lets Octopus's client for TypeScript judge the played server, as far as that client goes: it
// knows neither accounts nor machines.
func TestOctopusOwnClient(t *testing.T) {
	t.Parallel()
	dir := nodetest.Modules(t, "testdata/node")
	b := newBench(t, Options{Path: "/deploy"})
	b.AddSpace("Second")
	b.AddSpace("Third with an e")
	_, machine, _ := b.machine()
	type output struct {
		Version                        string
		User, Spaces, Started, Ended   []any
		Last                           string
		Invalid, Missing, Unauthorized string
	}
	var got output
	if err := json.Unmarshal(runPeer(t, dir, b.base, machine), &got); err != nil {
		t.Fatal(err)
	}
	want := output{
		Version: DefaultVersion, User: []any{username, true}, Spaces: []any{3.0, 2.0, []any{"Default", "Second"}},
		Started: []any{Queued, false}, Last: Success, Ended: []any{true, "Health", Success, true, true, "by the peer"},
		Invalid:      "400 There was a problem with your request.\nThe machine \"Machines-99\" does not exist.",
		Missing:      "404 The resource 'ServerTasks-99' was not found.",
		Unauthorized: "401 You must be logged in to request this resource: the API key is not valid.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the peer saw (-want +got):\n%s", diff)
	}
}

// runPeer runs the peer to its end and returns what it prints.
func runPeer(t *testing.T, dir, base, machine string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", "peer.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "OCTOPUS_URL="+base, "OCTOPUS_API_KEY="+DefaultKey, "MACHINE="+machine, "NO_PROXY=127.0.0.1")
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("node: %v\n%s", err, complaints.String())
	}
	return out
}
