package limiter_test

import (
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/limiter"
)

func TestRefusalPauses(t *testing.T) {
	type test struct {
		answer limiter.Answer
		want   time.Duration
	}
	played(t, map[string]test{
		"without a word":       {limiter.Answer{Status: refused}, 500 * time.Millisecond},
		"Retry-After":          {limiter.Answer{Status: refused, RetryAfter: 30 * time.Second}, 31 * time.Second},
		"reset":                {limiter.Answer{Status: refused, RetryAfter: 20 * time.Second}, 21 * time.Second},
		"reset, none left":     {limiter.Answer{Status: ok, Limit: 60, RetryAfter: 20 * time.Second}, 21 * time.Second},
		"none left":            {limiter.Answer{Status: ok, Limit: 60}, time.Second},
		"absurd":               {limiter.Answer{Status: refused, RetryAfter: 1e6 * time.Hour}, 24 * time.Hour},
		"unavailable":          {limiter.Answer{Status: 503, RetryAfter: 20 * time.Second}, 21 * time.Second},
		"unavailable, no word": {limiter.Answer{Status: 503}, 0},
		"any failure":          {limiter.Answer{Status: 500}, 0},
		"invalid":              {limiter.Answer{Status: 422}, 0},
	}, func(t *testing.T, tt test) {
		l := limiter.New(0)
		do(t.Context(), l, tt.answer)
		if waited := do(t.Context(), l, limiter.Answer{Status: ok}); waited != tt.want {
			t.Errorf("the next call waited %v, want %v", waited, tt.want)
		}
	})
}

func TestRefusalsInARowPauseLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		do(t.Context(), l, limiter.Answer{Status: refused})
		var waited []time.Duration
		for range 5 {
			waited = append(waited, do(t.Context(), l, limiter.Answer{Status: refused}))
		}
		if want := []time.Duration{500 * time.Millisecond, 10 * time.Second, 50 * time.Second, time.Minute, time.Minute}; !slices.Equal(waited, want) {
			t.Errorf("waited %v, want %v", waited, want)
		}
		do(t.Context(), l, limiter.Answer{Status: ok})
		if s := l.State(); s.Pause != 0 || s.Calls != 7 {
			t.Errorf("after a success: %+v", s)
		}
	})
}

// Where nothing is said of a limit, one refusal is chance, and a second one soon after it is not.
func TestSecondRefusalSlowsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		for _, want := range []time.Duration{0, time.Second} {
			do(t.Context(), l, limiter.Answer{Status: refused})
			do(t.Context(), l, limiter.Answer{Status: ok})
			do(t.Context(), l, limiter.Answer{Status: ok})
			if waited := do(t.Context(), l, limiter.Answer{Status: ok}); waited.Round(time.Second/4) != want {
				t.Errorf("the next call waited %v, want %v", waited, want)
			}
			for range 8 {
				<-time.After(time.Second)
				do(t.Context(), l, limiter.Answer{Status: ok})
			}
		}
	})
}

// Each refusal takes a quarter off the rate, and each call that is accepted adds one a minute, up to the limit.
func TestRateAdapts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		none := limiter.Answer{Status: ok, Limit: 60}
		rate := func() float64 { return math.Round(time.Minute.Seconds() / do(t.Context(), l, none).Seconds()) }
		do(t.Context(), l, none)
		got := []float64{rate()}
		do(t.Context(), l, limiter.Answer{Status: refused})
		do(t.Context(), l, none)
		for range 16 {
			got = append(got, rate())
		}
		if want := []float64{60, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60}; !slices.Equal(got, want) {
			t.Errorf("rates %v, want %v", got, want)
		}
	})
}

// Calls under way at a refusal are refused too. That is one refusal; but the longest wait counts that any
// of them is told.
func TestRefusalsOfOneMoment(t *testing.T) {
	type test struct {
		after []time.Duration
		want  time.Duration
	}
	played(t, map[string]test{
		"no word":     {make([]time.Duration, 16), 500 * time.Millisecond},
		"Retry-After": {[]time.Duration{10 * time.Second, 40 * time.Second, 5 * time.Second}, 41 * time.Second},
	}, func(t *testing.T, tt test) {
		l := limiter.New(0)
		var wg sync.WaitGroup
		for _, after := range tt.after {
			wg.Go(func() {
				_ = l.Do(t.Context(), func() limiter.Answer {
					<-time.After(time.Second)
					return limiter.Answer{Status: refused, RetryAfter: after}
				})
			})
		}
		wg.Wait()
		if got := l.State().Pause; got != tt.want {
			t.Errorf("paused for %v, want %v", got, tt.want)
		}
	})
}

// A pause of a day is probed once a minute by calls of the highest priority, and by no others. Leave that is
// given back was no probe.
func TestLongPauseIsProbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		day := limiter.Answer{Status: refused, RetryAfter: 24 * time.Hour}
		do(t.Context(), l, day)
		begin := time.Now()
		var wg sync.WaitGroup
		for _, p := range []limiter.Priority{limiter.Low, limiter.Normal, limiter.Elevated} {
			wg.Go(func() { do(limiter.WithPriority(t.Context(), p), l, limiter.Answer{Status: ok}) })
		}
		high := limiter.WithPriority(t.Context(), limiter.High)
		for _, a := range []limiter.Answer{day, {Status: 500}, day} {
			if waited := do(high, l, a); waited != time.Minute {
				t.Errorf("a probe after %v", waited)
			}
		}
		hold(high, t, l)()
		if s := l.State(); s.Waiting != 3 || s.Pause < 23*time.Hour {
			t.Errorf("before the last probe: %+v", s)
		}
		do(high, l, limiter.Answer{Status: ok})
		wg.Wait()
		if took := time.Since(begin); took != 4*time.Minute {
			t.Errorf("all went on after %v", took)
		}
	})
}

// When none are left one call asks, and the others wait for its answer; but not for long.
func TestOneCallAsksWhetherThereIsMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		do(t.Context(), l, limiter.Answer{Status: ok, Limit: 60})
		<-time.After(time.Minute)
		stuck := hold(t.Context(), t, l)
		if waited := do(t.Context(), l, limiter.Answer{Status: ok, Limit: 60, Remaining: 60}); waited != 5*time.Second {
			t.Errorf("waited %v for the answer", waited)
		}
		stuck()
	})
}

// What is left is what was stated last, however long ago that is.
func TestRestAddsNothingToWhatWasStated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		do(t.Context(), l, limiter.Answer{Status: ok, Limit: 60, Remaining: 50})
		do(t.Context(), l, limiter.Answer{Status: ok, Limit: 60, Remaining: 3})
		<-time.After(30 * time.Second)
		left := 0
		for do(t.Context(), l, limiter.Answer{Status: ok}) == 0 {
			left++
		}
		if left != 3 {
			t.Errorf("%d calls went on at once, 3 were left", left)
		}
	})
}

// Answers arrive in any order; what they say is never taken for more than is left.
func TestAnswersThatOvertakeEachOther(t *testing.T) {
	t.Parallel()
	const limit, calls = 40, 8
	for shift := range calls {
		synctest.Test(t, func(t *testing.T) {
			l := limiter.New(0)
			var answers [calls]chan limiter.Answer
			for i := range answers {
				answers[i] = make(chan limiter.Answer)
				go func() { _ = l.Do(t.Context(), func() limiter.Answer { return <-answers[i] }) }()
				synctest.Wait()
			}
			for i := range calls {
				k := (i*3 + shift) % calls // was counted as number k+1
				answers[k] <- limiter.Answer{Status: ok, Limit: limit, Remaining: limit - k - 1}
				synctest.Wait()
			}
			left := 0
			for do(t.Context(), l, limiter.Answer{Status: 304}) == 0 {
				left++
			}
			if left != limit-calls {
				t.Errorf("%d calls went on at once, %d were left", left, limit-calls)
			}
		})
	}
}
