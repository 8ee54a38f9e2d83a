package limiter_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sshkeybot/internal/limiter"
)

// shape is how an API limits its calls.
type shape struct {
	limit      int  // calls a minute; 0 is any number
	burst      int  // of a bucket that is filled all the time; 0 is a minute that the first call opens
	headers    bool // say the limit and what is left
	retryAfter bool
	stray      int // refuses this call for no reason
}

// latency is how long a call takes on average; they take differently long, so that they overtake each other.
const latency = 50 * time.Millisecond

// api plays one.
type api struct {
	shape
	mu       sync.Mutex
	calls    int
	refused  int
	left     float64
	filledAt time.Time
}

func (a *api) call() limiter.Answer {
	a.mu.Lock()
	a.calls++
	n := a.calls
	a.mu.Unlock()
	half := time.Duration(20+n*7%11) * time.Millisecond
	<-time.After(half)
	defer func() { <-time.After(half) }()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answer(n == a.stray)
}

func (a *api) answer(stray bool) limiter.Answer {
	wait := a.refill(time.Now())
	said := limiter.Answer{Status: 200}
	switch {
	case stray:
		a.refused++
		said = limiter.Answer{Status: 429}
		if a.retryAfter {
			said.RetryAfter = time.Second
		}
		return said
	case a.limit == 0:
	case a.left >= 1:
		a.left--
	default:
		a.refused++
		said.Status = 429
		if a.retryAfter {
			said.RetryAfter = (wait + time.Second - 1).Truncate(time.Second)
		}
	}
	if a.headers {
		said.Limit, said.Remaining = a.limit, int(a.left)
	}
	return said
}

// refill returns how long it takes until the next call is left.
func (a *api) refill(now time.Time) time.Duration {
	since := now.Sub(a.filledAt)
	if a.burst == 0 {
		if since >= time.Minute {
			a.left, a.filledAt, since = float64(a.limit), now, 0
		}
		return time.Minute - since
	}
	perSecond := float64(a.limit) / 60
	a.left, a.filledAt = min(float64(a.burst), a.left+since.Seconds()*perSecond), now
	return time.Duration((1 - a.left) / perSecond * float64(time.Second))
}

// ideal is how long the limit makes so many calls take at least.
func (s shape) ideal(calls int) time.Duration {
	if s.burst == 0 {
		return time.Duration((calls-1)/s.limit) * time.Minute
	}
	return time.Duration(calls-s.burst) * time.Minute / time.Duration(s.limit)
}

// grant makes five calls in turn, as for the pages of a list, and then the others at the same time; those
// that are refused it makes again. It returns how long that took.
func (a *api) grant(ctx context.Context, t *testing.T, l *limiter.Limiter, calls int) time.Duration {
	t.Helper()
	begin := time.Now()
	accepted := func() {
		for said := (limiter.Answer{}); said.Status != 200; {
			if err := l.Do(ctx, func() limiter.Answer { said = a.call(); return said }); err != nil {
				t.Error(err)
				return
			}
		}
	}
	for range 5 {
		accepted()
	}
	var made atomic.Int64
	var wg sync.WaitGroup
	for range 48 {
		wg.Go(func() {
			for made.Add(1) <= int64(calls-5) {
				accepted()
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}
