package limiter_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/limiter"
)

// starts returns when calls start that are all made at once and answered at once.
func starts(ctx context.Context, l *limiter.Limiter, calls int) []time.Duration {
	began := time.Now()
	var mu sync.Mutex
	var at []time.Duration
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			_ = l.Do(ctx, func() limiter.Answer {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(began))
				return limiter.Answer{Status: ok}
			})
		})
	}
	all.Wait()
	slices.Sort(at)
	return at
}

// A limit that is known is kept from the first call on: some at once, and then evenly.
func TestKnownLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.NewWithLimit(0, 30, 4)
		if s := l.State(); s.Limit != 30 {
			t.Errorf("before any call: %+v", s)
		}
		want := []time.Duration{0, 0, 0, 0, 2 * time.Second, 4 * time.Second, 6 * time.Second}
		for range 2 {
			if got := starts(t.Context(), l, len(want)); !slices.Equal(got, want) {
				t.Errorf("the calls started after %v, want %v", got, want)
			}
			<-time.After(time.Hour)
		}
	})
}

// What may start at once comes back at the rate, by parts of calls too.
func TestKnownLimitComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.NewWithLimit(0, 30, 4)
		var waited []time.Duration
		for range 9 {
			waited = append(waited, do(t.Context(), l, limiter.Answer{Status: ok}))
			<-time.After(time.Second)
		}
		if want := []time.Duration{0, 0, 0, 0, 0, 0, 0, time.Second, time.Second}; !slices.Equal(waited, want) {
			t.Errorf("calls a second apart waited %v, want %v", waited, want)
		}
	})
}

// Calls that were made without leave are paid for by those that follow.
func TestCountedCallsAreInTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.NewWithLimit(0, 30, 1)
		do(t.Context(), l, limiter.Answer{Status: ok})
		l.Count(limiter.Answer{Status: ok})
		if waited := do(t.Context(), l, limiter.Answer{Status: ok}); waited != 4*time.Second {
			t.Errorf("the next call waited %v", waited)
		}
		if s := l.State(); s.Calls != 3 || s.InFlight != 0 {
			t.Errorf("in the end: %+v", s)
		}
		l.Count(limiter.Answer{Status: refused, RetryAfter: time.Minute})
		if s := l.State(); s.Pause < time.Minute {
			t.Errorf("after a refusal: %+v", s)
		}
	})
}

// A refusal below a known limit slows down, and no success afterwards exceeds it.
func TestKnownLimitAdapts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.NewWithLimit(0, 60, 1)
		do(t.Context(), l, limiter.Answer{Status: refused, RetryAfter: time.Minute})
		do(t.Context(), l, limiter.Answer{Status: ok})
		do(t.Context(), l, limiter.Answer{Status: ok})
		if waited := do(t.Context(), l, limiter.Answer{Status: ok}); waited <= time.Second {
			t.Errorf("after a refusal a call waited %v", waited)
		}
		starts(t.Context(), l, 200)
		if waited := do(t.Context(), l, limiter.Answer{Status: ok}); waited != time.Second {
			t.Errorf("after many successes a call waited %v", waited)
		}
	})
}

// The most urgent of the calls that wait for a known limit goes first.
func TestKnownLimitKeepsPriorities(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.NewWithLimit(0, 60, 1)
		do(t.Context(), l, limiter.Answer{Status: ok})
		var all sync.WaitGroup
		var mu sync.Mutex
		var served []limiter.Priority
		for _, p := range []limiter.Priority{limiter.Low, limiter.Normal, limiter.Elevated, limiter.High} {
			all.Go(func() {
				do(limiter.WithPriority(t.Context(), p), l, limiter.Answer{Status: ok})
				mu.Lock()
				defer mu.Unlock()
				served = append(served, p)
			})
			synctest.Wait()
		}
		all.Wait()
		if want := []limiter.Priority{limiter.High, limiter.Elevated, limiter.Normal, limiter.Low}; !slices.Equal(served, want) {
			t.Errorf("served in the order %v", served)
		}
	})
}

// While removals are expected, the others leave them a quarter of what may start at once, and then go at three
// quarters of the rate.
func TestKnownLimitLeavesAQuarter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.NewWithLimit(0, 60, 8)
		l.Reserve(time.Hour)
		atOnce := func(p limiter.Priority) (n int) {
			for ctx := limiter.WithPriority(t.Context(), p); ; n++ {
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				waited := do(ctx, l, limiter.Answer{Status: ok})
				if cancel(); waited != 0 {
					return n
				}
			}
		}
		if n := atOnce(limiter.Normal); n != 4 {
			t.Errorf("%d others started at once", n)
		}
		if n := atOnce(limiter.High); n != 2 {
			t.Errorf("%d removals started at once", n)
		}
		do(t.Context(), l, limiter.Answer{Status: ok})
		began := time.Now()
		for range 30 {
			do(t.Context(), l, limiter.Answer{Status: ok})
		}
		if took := time.Since(began).Round(time.Second); took < 38*time.Second || took > 40*time.Second {
			t.Errorf("30 others took %v", took)
		}
	})
}
