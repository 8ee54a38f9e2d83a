package socket

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

func TestBurstIsHandledAtOnce(t *testing.T) {
	t.Parallel()
	const commands = maxHandlers + 50
	var mu sync.Mutex
	most, now := 0, 0
	enter := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		now += by
		most = max(most, now)
	}
	release := make(chan struct{})
	r := start(t, slacksim.Options{}, handledBy(func(context.Context, Envelope) (any, error) {
		enter(1)
		defer enter(-1)
		<-release // plays a ledger that is slow
		return nil, nil
	}))
	open := gate(t, release)
	r.connected(t)
	acked := make(chan []slacksim.CommandResult, 1)
	var sent sync.WaitGroup
	sent.Go(func() { acked <- r.burst(t, commands) })
	t.Cleanup(sent.Wait)
	r.until(t, "all of them held", func() bool { return r.held() == commands })
	r.until(t, "every handler busy", func() bool { mu.Lock(); defer mu.Unlock(); return now >= maxHandlers })
	open()
	for _, got := range await(t, acked, "the acknowledgements") {
		if !got.Acked {
			t.Errorf("not acknowledged: %+v", got.Outcome)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if most != maxHandlers {
		t.Errorf("%d handlers at once, want %d", most, maxHandlers)
	}
}

func (r *rig) burst(t *testing.T, n int) []slacksim.CommandResult {
	t.Helper()
	got := make([]slacksim.CommandResult, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var err error
			if got[i], err = r.Command(t.Context(), "U1", "C1", fmt.Sprintf("/sshkey n%d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return got
}

func TestBlockedHandlerDoesNotMakeDeaf(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := start(t, slacksim.Options{PingInterval: 20 * time.Millisecond}, handledBy(func(_ context.Context, e Envelope) (any, error) {
		if strings.Contains(string(e.Payload), "block") {
			<-release
		}
		return nil, nil
	}))
	open := gate(t, release)
	r.connected(t)
	var blocked sync.WaitGroup
	for range 150 { // more than any buffer in between
		blocked.Go(func() { _, _ = r.Command(t.Context(), "U1", "C1", "/sshkey block") })
	}
	r.until(t, "all of them held", func() bool { return r.held() == 150 })
	if got := r.command(t, "quick"); !got.Acked {
		t.Errorf("got %+v", got)
	}
	since := time.Now()
	r.until(t, "a ping that is heard", func() bool { return r.client.Health().PingAge < time.Since(since) })
	if h := r.client.Health(); h.Reconnects > 0 || h.Deaf {
		t.Errorf("health %+v", h)
	}
	open()
	blocked.Wait()
}

func (r *rig) held() int {
	r.client.mu.Lock()
	defer r.client.mu.Unlock()
	return r.client.held
}

func TestMoreThanCanBeHeldIsLeftToSlack(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.client.mu.Lock()
	r.client.held = maxHeld
	r.client.mu.Unlock()
	if r.client.begin() {
		t.Error("one more was taken")
	}
}
