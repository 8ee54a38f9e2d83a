package runcloud_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sshkeybot/internal/sim/runcloudsim"
	target "sshkeybot/internal/target/runcloud"
	"sshkeybot/runcloud"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token = "a-very-secret-token"
	key   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0qmzLJh0cJkYhW5vQm0p3m2nqmY0nZ1u8n6wq3x1aB"
)

// bench is the adapter before a played account.
type bench struct {
	target.Target
	t       *testing.T
	account *runcloudsim.Account
	server  int64
}

func newBench(t *testing.T, opts ...runcloud.Option) *bench {
	t.Helper()
	account := runcloudsim.New(runcloudsim.Options{Token: token})
	base, err := account.Start()
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]runcloud.Option{runcloud.WithBaseURL(base), runcloud.WithRetry(1, time.Millisecond), runcloud.WithTimeout(10 * time.Second)}, opts...)
	client := runcloud.New(token, opts...)
	t.Cleanup(func() {
		if err := account.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		client.CloseIdleConnections()
	})
	return &bench{Target: target.Target{Client: client}, t: t, account: account, server: account.AddServers(1)[0]}
}

func text(id int64) string { return strconv.FormatInt(id, 10) }

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// A server leaves the account when the page it stood on is read, and draws another onto that page.
func TestServersAreCompleteWhenOneLeavesMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	servers := append([]int64{b.server}, b.account.AddServers(79)...)
	var leaves sync.Once
	b.account.OnCall(func(c runcloudsim.Call) {
		if c.Op == runcloudsim.OpListServers && c.Phase == runcloudsim.After {
			leaves.Do(func() { b.account.RemoveServer(servers[60]) })
		}
	})
	all, err := b.Servers(t.Context())
	b.must(err)
	var got []int64
	for _, s := range all {
		id, err := strconv.ParseInt(s.ExternalID, 10, 64)
		b.must(err)
		got = append(got, id)
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Delete(servers, 60, 61), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
