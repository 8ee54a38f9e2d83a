package runcloud

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitingCallsAreServedByPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1)
		held, _ := l.acquire(WithPriority(t.Context(), Low))
		share, _ := l.acquire(WithPriority(t.Context(), High)) // the place kept for removals
		var got []Priority
		var wg sync.WaitGroup
		for _, p := range []Priority{Low, Normal, Elevated, High} {
			wg.Go(func() {
				call, _ := l.acquire(WithPriority(t.Context(), p))
				got = append(got, p)
				l.release(call, outcome{rate: noRate()})
			})
			synctest.Wait()
		}
		l.release(held, outcome{rate: noRate()})
		l.release(share, outcome{rate: noRate()})
		wg.Wait()
		if want := []Priority{High, Elevated, Normal, Low}; !slices.Equal(got, want) {
			t.Errorf("served %v, want %v", got, want)
		}
	})
}

// Renewals of a long grant on many servers are under way when a key is revoked.
func TestRemovalsAmidRenewals(t *testing.T) {
	t.Parallel()
	for name, f := range windows {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &throttle{limit: 60, sliding: f.sliding, reset: f.reset, latency: f.latency}
				c := throttled(f)
				var wg sync.WaitGroup
				wg.Go(func() { run(t, c, Elevated, 200) })
				time.Sleep(90 * time.Second)
				if took := run(t, c, High, 3); took > 6*time.Second {
					t.Errorf("3 removals took %v", took)
				}
				wg.Wait()
				if f.refused > 0 {
					t.Errorf("%d calls were refused", f.refused)
				}
			})
		})
	}
}

// patient is a RunCloud that answers 429 until it has been left alone for long enough.
type patient struct {
	mu    sync.Mutex
	until time.Time
	calls []time.Time
}

func (p *patient) RoundTrip(*http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, time.Now())
	if time.Now().Before(p.until) {
		return canned(429, `{}`, http.Header{"Retry-After": {"86400"}}), nil
	}
	return canned(200, `{}`, nil), nil
}

// count returns how often it was called so far.
func (p *patient) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

func TestLongPauseIsProbedOnceAMinuteByRemovalsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		p := &patient{until: begin.Add(10 * time.Minute)}
		c := New("t", WithHTTPClient(&http.Client{Transport: p}), WithRetry(1, 0))
		_ = c.Ping(t.Context())
		var wg sync.WaitGroup
		for _, priority := range []Priority{Low, Normal, Elevated, High, High, High} {
			wg.Go(func() {
				for c.Ping(WithPriority(t.Context(), priority)) != nil && t.Context().Err() == nil {
					if priority < High {
						t.Errorf("a call of priority %d was made during the pause", priority)
					}
				}
			})
		}
		time.Sleep(9*time.Minute + time.Second)
		if n, s := p.count(), c.limiter.State(); n != 10 || s.Pause < 23*time.Hour {
			t.Errorf("%d calls in nine minutes, state %+v", n, s)
		}
		wg.Wait()
		if took := time.Since(begin); took > 11*time.Minute {
			t.Errorf("everything went on after %v, want one minute after RunCloud took calls again at most", took)
		}
		if s := c.limiter.State(); s.Pause != 0 {
			t.Errorf("still paused: %+v", s)
		}
	})
}

// A turn that is given back was no probe.
func TestUnusedTurnLeavesTheProbeToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c := New("t", WithHTTPClient(&http.Client{Transport: &patient{until: begin.Add(time.Second)}}), WithRetry(1, 0))
		_ = c.Ping(t.Context())
		removal := WithPriority(context.Background(), High)
		_, release, err := c.Limiter().Turn(removal)
		if err != nil {
			t.Fatal(err)
		}
		release()
		if err := c.Ping(removal); err != nil || time.Since(begin) > time.Minute+time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}
