package runcloud

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// throttle plays RunCloud's rate limit, as a fixed window that the first call opens or as a sliding one.
type throttle struct {
	limit   int
	sliding bool
	silent  bool // no X-RateLimit headers
	reset   bool // X-RateLimit-Reset on each answer
	after   bool // Retry-After on a 429
	latency time.Duration

	mu      sync.Mutex
	hits    []time.Time
	opened  time.Time
	refused int
	served  []string
}

func (f *throttle) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(f.latency / 2)
	rep := f.count(req.Method)
	time.Sleep(f.latency / 2)
	return rep, nil
}

func (f *throttle) count(method string) *http.Response {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.expire(now)
	h, status := http.Header{}, http.StatusOK
	if len(f.hits) >= f.limit {
		status = http.StatusTooManyRequests
		f.refused++
	} else {
		f.hits = append(f.hits, now)
		f.served = append(f.served, method)
	}
	end := f.opened.Add(time.Minute)
	if f.sliding {
		end = f.hits[0].Add(time.Minute)
	}
	if !f.silent {
		h.Set("X-RateLimit-Limit", strconv.Itoa(f.limit))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(f.limit-len(f.hits)))
	}
	if f.reset {
		h.Set("X-RateLimit-Reset", strconv.FormatInt(end.Unix(), 10))
	}
	if f.after && status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(int(end.Sub(now).Seconds())))
	}
	return canned(status, `{"id":1}`, h)
}

func (f *throttle) expire(now time.Time) {
	if f.sliding {
		f.hits = slices.DeleteFunc(f.hits, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	} else if now.Sub(f.opened) >= time.Minute {
		f.opened, f.hits = now, nil
	}
}

// run makes n calls with 16 workers and gives how long they took. Refused calls are made again.
func run(t *testing.T, c *Client, p Priority, n int) time.Duration {
	t.Helper()
	begin := time.Now()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	ctx := WithPriority(t.Context(), p)
	for range 16 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				err := c.Ping(ctx)
				for IsRateLimited(err) {
					err = c.Ping(ctx)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}

func throttled(f *throttle) *Client {
	return New("t", WithHTTPClient(&http.Client{Transport: f}), WithRetry(1, 0))
}

func windows(yield func(string, *throttle) bool) {
	for _, sliding := range []bool{false, true} {
		for _, reset := range []bool{false, true} {
			for _, latency := range []time.Duration{50 * time.Millisecond, 3 * time.Second} {
				name := fmt.Sprintf("sliding=%v reset=%v latency=%v", sliding, reset, latency)
				if !yield(name, &throttle{limit: 120, sliding: sliding, reset: reset, latency: latency}) {
					return
				}
			}
		}
	}
}

// jittery answers in any order, and counts calls in another one than they were sent in.
type jittery struct{ *throttle }

func (j jittery) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(rand.N(time.Second))
	rep := j.count(req.Method)
	time.Sleep(rand.N(time.Second))
	return rep, nil
}
