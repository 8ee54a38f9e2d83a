package runcloud_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sshkeybot/internal/access"
	"sshkeybot/internal/limiter"
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

// id is what the account calls its server.
func (b *bench) id() string { return text(b.server) }

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

func TestRemovalsTakeTheirTurnFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, runcloud.WithLimiter(limiter.New(1)))
	_, first, err := b.Acquire(t.Context(), access.Addition)
	b.must(err)
	_, reserve, err := b.Acquire(t.Context(), access.Removal) // the share kept for removals
	b.must(err)
	order := make(chan access.Priority, 2)
	wait := func(p access.Priority, waiting int) {
		go func() {
			_, release, err := b.Acquire(t.Context(), p)
			if err != nil {
				t.Errorf("turn: %v", err)
				return
			}
			order <- p
			release()
		}()
		b.untilWaiting(waiting)
	}
	wait(access.Addition, 1)
	wait(access.Removal, 2)
	first()
	first() // more than once does no harm
	if got := <-order; got != access.Removal {
		t.Errorf("served %v, though a removal waits", got)
	}
	reserve()
	if got := <-order; got != access.Addition {
		t.Errorf("served %v twice", got)
	}
}

func (b *bench) untilWaiting(n int) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); b.Client.Limiter().State().Waiting < n; {
		if time.Now().After(deadline) {
			b.t.Fatalf("%+v, want %d waiting", b.Client.Limiter().State(), n)
		}
		<-time.After(time.Millisecond)
	}
}

func TestTurnEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBench(t, runcloud.WithLimiter(limiter.New(1)))
	_, release, err := b.Acquire(t.Context(), access.Addition)
	b.must(err)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.Acquire(ctx, access.Addition); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCallUsesItsTurnOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, runcloud.WithLimiter(limiter.New(1)))
	turn, release, err := b.Acquire(t.Context(), access.Addition)
	b.must(err)
	defer release()
	if _, err := b.List(turn, b.id()); err != nil {
		t.Errorf("the call that the turn was for: %v", err)
	}
}
