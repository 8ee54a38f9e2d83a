package scalingosim

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/sim/nodetest"
)

// TestScalingosOwnClient lets Scalingo's client for JavaScript judge the played account: it is the only peer here
// that nobody wrote for this test.
func TestScalingosOwnClient(t *testing.T) {
	t.Parallel()
	dir := nodetest.Modules(t, "testdata/node")
	b := newBench(t, Rules{})
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	line := publicKey(t, "a") + " laptop"
	cmd := exec.CommandContext(ctx, "node", "peer.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SCALINGO_URL="+b.base, "SCALINGO_API_TOKEN="+DefaultToken, "PUBLIC_KEY="+line, "NO_PROXY=*", "no_proxy=*")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, out)
	}
	want := "\"deploy\"\n[\"sshkeybot\"]\n[]\n[\"" + line + "\"]\ntrue\n422\n404\n[]\n401\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if keys := b.Keys(); len(keys) > 0 {
		t.Errorf("left are %+v", keys)
	}
}
