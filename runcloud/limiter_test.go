package runcloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStatedLimitIsNeverExceeded(t *testing.T) {
	t.Parallel()
	for _, p := range []Priority{Normal, High} {
		for name, f := range windows {
			t.Run(fmt.Sprint(name, " ", p), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					took := run(t, throttled(f), p, 500)
					if f.refused > 0 {
						t.Errorf("%d calls were refused", f.refused)
					}
					if ideal := 250 * time.Second; took > ideal*12/10 {
						t.Errorf("500 calls at 120 a minute took %v", took)
					}
				})
			})
		}
	}
}

func TestDisorderedAnswers(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 9, 20, 60} {
		for name, f := range windows {
			for _, p := range []Priority{Normal, High} {
				t.Run(fmt.Sprint(limit, " ", name, " ", p), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := &throttle{limit: limit, sliding: f.sliding, reset: f.reset}
						c := New("t", WithHTTPClient(&http.Client{Transport: jittery{f}}), WithRetry(1, 0))
						if err := c.Ping(t.Context()); err != nil { // so that the burst knows the limit
							t.Fatal(err)
						}
						took := run(t, c, p, 4*limit)
						if f.refused > 0 || took > 4*time.Minute*12/10 {
							t.Errorf("%d calls were refused, took %v", f.refused, took)
						}
					})
				})
			}
		}
	}
}

// A removal may come at any moment of a long addition; it must have its rate at once.
func TestRemovalsAmidAdditions(t *testing.T) {
	t.Parallel()
	for name, f := range windows {
		for _, at := range []time.Duration{2 * time.Second, 20 * time.Second, 59 * time.Second, 95 * time.Second} {
			t.Run(fmt.Sprint(name, " at ", at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &throttle{limit: 120, sliding: f.sliding, reset: f.reset, latency: f.latency}
					c := throttled(f)
					var wg sync.WaitGroup
					wg.Go(func() { run(t, c, Normal, 400) })
					time.Sleep(at)
					took := run(t, c, High, 50)
					if ideal := 25*time.Second + 2*f.latency; took > ideal*12/10 {
						t.Errorf("50 removals took %v", took)
					}
					wg.Wait()
					if f.refused > 0 {
						t.Errorf("%d calls were refused", f.refused)
					}
				})
			})
		}
	}
}

// Calls that were made before this process started show only in what is left over.
func TestBudgetSpentByOthers(t *testing.T) {
	t.Parallel()
	for name, f := range windows {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f.opened = time.Now()
				f.hits = slices.Repeat([]time.Time{time.Now()}, 90)
				time.Sleep(20 * time.Second)
				c := throttled(f)
				if err := c.Ping(t.Context()); err != nil {
					t.Fatal(err)
				}
				took := run(t, c, High, 50)
				if f.refused > 0 {
					t.Errorf("%d calls were refused", f.refused)
				}
				if took > 65*time.Second+2*f.latency {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestNoHeadersNoLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &throttle{limit: 1 << 30, silent: true, latency: 50 * time.Millisecond}
		if took := run(t, throttled(f), Normal, 1600); took != 5*time.Second {
			t.Errorf("1600 calls of 50 ms by 16 workers took %v, want 5s", took)
		}
	})
}

// Without any header only the first burst of 429 may be wasted: the calls under way at that moment.
func TestLimitLearnedFromRefusal(t *testing.T) {
	t.Parallel()
	for _, sliding := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("sliding=%v after=%v", sliding, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := &throttle{limit: 120, silent: true, sliding: sliding, after: after, latency: 50 * time.Millisecond}
					c := throttled(f)
					took := run(t, c, High, 500)
					if f.refused == 0 || f.refused > 16 {
						t.Errorf("%d calls were refused", f.refused)
					}
					if took > 300*time.Second {
						t.Errorf("took %v", took)
					}
					if got := c.limiter.State().Limit; got != 120 {
						t.Errorf("learned %d, want 120", got)
					}
				})
			})
		}
	}
}

func TestHighPriorityFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1)
		held, _ := l.acquire(t.Context())
		removal, _ := l.acquire(WithPriority(t.Context(), High)) // the place kept for removals
		var order []string
		var wg sync.WaitGroup
		for _, w := range []struct {
			name string
			p    Priority
		}{{"add 1", Normal}, {"remove 1", High}, {"add 2", Normal}, {"remove 2", High}} {
			wg.Go(func() {
				tk, err := l.acquire(WithPriority(t.Context(), w.p))
				if err != nil {
					t.Error(err)
				}
				order = append(order, w.name)
				l.release(tk, outcome{rate: noRate()})
			})
			synctest.Wait()
		}
		if got := l.State(); got.Waiting != 4 || got.InFlight != 2 {
			t.Errorf("state %+v", got)
		}
		l.release(removal, outcome{rate: noRate()})
		synctest.Wait()
		l.release(held, outcome{rate: noRate()})
		wg.Wait()
		if want := []string{"remove 1", "remove 2", "add 1", "add 2"}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

func TestCanceledWaitFreesPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1)
		held, _ := l.acquire(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { _, err := l.acquire(ctx); failed <- err }()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("err %v", err)
		}
		if got := l.State().Waiting; got != 0 {
			t.Errorf("%d waiting", got)
		}
		l.release(held, outcome{rate: noRate()})
		if _, err := l.acquire(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := l.acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a canceled context got a place: %v", err)
		}
	})
}

// Leave that was given at the very moment the wait was canceled must be handed on.
func TestAbandonAfterLeave(t *testing.T) {
	t.Parallel()
	l := NewLimiter(1)
	w := &waiter{priority: Normal, ready: make(chan ticket, 1)}
	q := queueOf(Normal)
	l.queues[q] = append(l.queues[q], w)
	l.dispatch()
	if l.State().InFlight != 1 {
		t.Fatal("no leave was given")
	}
	l.abandon(w)
	if got := l.State(); got.InFlight != 0 || got.Waiting != 0 {
		t.Errorf("state %+v", got)
	}
}

func TestRefusalPauses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header   map[string]string
		min, max time.Duration
	}{
		"seconds":          {map[string]string{"Retry-After": "30"}, 30 * time.Second, 32 * time.Second},
		"date":             {map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:00:30 GMT"}, 25 * time.Second, 32 * time.Second},
		"reset in seconds": {map[string]string{"X-RateLimit-Reset": "20"}, 20 * time.Second, 22 * time.Second},
		"nothing":          {nil, 2 * time.Second, 4 * time.Second},
		"absurd":           {map[string]string{"Retry-After": "99999999"}, maxPause, maxPause},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := http.Header{}
				for k, v := range tt.header {
					h.Set(k, v)
				}
				c := scripted(canned(429, `{}`, h), canned(200, `{}`, nil))
				if err := c.Ping(t.Context()); !IsRateLimited(err) || RetryAfter(err) == 0 {
					t.Fatalf("err %v, retry after %v", err, RetryAfter(err))
				}
				if s := c.limiter.State(); time.Until(s.Until) < tt.min {
					t.Errorf("state %+v", s)
				}
				begin := time.Now()
				if err := c.Ping(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took < tt.min || took > tt.max {
					t.Errorf("the next call waited %v, want %v to %v", took, tt.min, tt.max)
				}
			})
		})
	}
}

func TestRefusalsInARowPauseLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var replies []*http.Response
		for range 6 {
			replies = append(replies, canned(429, `{}`, nil))
		}
		c := scripted(append(replies, canned(200, `{}`, nil), canned(200, `{}`, nil))...)
		last := time.Duration(-1)
		for range 7 {
			begin := time.Now()
			_ = c.Ping(t.Context())
			took := time.Since(begin)
			if took < last || took > window+slack {
				t.Errorf("waited %v after %v", took, last)
			}
			last = took
		}
		if last != window+slack {
			t.Errorf("longest pause %v", last)
		}
		begin := time.Now()
		if _ = c.Ping(t.Context()); time.Since(begin) != 0 {
			t.Errorf("still waiting after a success: %v", time.Since(begin))
		}
	})
}

// A single 429 in the middle of nowhere is no limit of its own.
func TestOddRefusalTeachesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := scripted(canned(200, `{}`, nil), canned(429, `{}`, http.Header{"Retry-After": {"1"}}), canned(200, `{}`, nil))
		for range 3 {
			_ = c.Ping(t.Context())
		}
		if s := c.limiter.State(); s.Limit != 0 || s.Remaining != -1 || !s.Until.IsZero() {
			t.Errorf("state %+v", s)
		}
	})
}
