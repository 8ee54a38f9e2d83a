package runcloud_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/limiter"
	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/runcloud"
)

// serve returns a client of the account that makes so many calls at once.
func serve(t *testing.T, account *runcloudsim.Account, inFlight int) *runcloud.Client {
	t.Helper()
	var network memnet.Network
	listener, err := network.Listen("tcp", "runcloud.test:80")
	if err != nil {
		t.Fatal(err)
	}
	account.Serve(listener)
	t.Cleanup(func() { _ = account.Close() })
	c := runcloud.New(runcloudsim.DefaultToken, runcloud.WithBaseURL("http://runcloud.test/api/v3"),
		runcloud.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: network.DialContext, MaxIdleConnsPerHost: 16}}),
		runcloud.WithLimiter(limiter.New(inFlight)))
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// A grant on 200 servers while RunCloud takes 150 calls a minute, whatever it says of that, takes a fifth
// longer at most than the limit demands, and wastes 3 % of its calls at most.
func TestGrantUnderALimit(t *testing.T) {
	t.Parallel()
	const servers, limit, window, bucket = 200, 150, time.Minute, 78 * time.Second
	for name, tt := range map[string]struct {
		limit    runcloudsim.LimitOptions
		inFlight int
		ideal    time.Duration
	}{
		"minute, headers":     {runcloudsim.LimitOptions{}, 16, window},
		"minute, no word":     {runcloudsim.LimitOptions{NoHeaders: true}, 4, window},
		"bucket, headers":     {runcloudsim.LimitOptions{Burst: 10}, 16, bucket},
		"bucket, Retry-After": {runcloudsim.LimitOptions{Burst: 10, NoHeaders: true, RetryAfter: true}, 4, bucket},
		"sliding minute":      {runcloudsim.LimitOptions{Sliding: true}, 16, window},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := runcloudsim.New(runcloudsim.Options{})
				account.AddServers(servers)
				account.SetLatency(50 * time.Millisecond)
				account.SetRateLimit(limit, tt.limit)
				took := grant(t, serve(t, account, tt.inFlight))
				if wasted := account.Count429(); took > tt.ideal*12/10 || wasted > (servers+5)*3/100 {
					t.Errorf("took %v, want %v; %d calls were refused", took, tt.ideal, wasted)
				}
			})
		})
	}
}

// grant adds a key to every server and returns how long that took. What is refused is tried again.
func grant(t *testing.T, c *runcloud.Client) time.Duration {
	t.Helper()
	begin := time.Now()
	all, err := c.AllServers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() {
			opts := runcloud.SSHCredentialCreateOpts{Label: "grant", Username: "runcloud", PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0qmzLJh0cJkYhW5vQm0p3m2nqmY0nZ1u8n6wq3x1aB"}
			err := fmt.Errorf("not tried")
			for again := true; again; again = runcloud.IsRateLimited(err) {
				_, err = c.CreateSSHCredential(t.Context(), s.ID, opts)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}
