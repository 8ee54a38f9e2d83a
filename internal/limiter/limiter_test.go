package limiter_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/limiter"
)

// played runs a test in played time, once for each name.
func played[T any](t *testing.T, tests map[string]T, test func(t *testing.T, tt T)) {
	t.Helper()
	t.Parallel()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, tt) })
		})
	}
}

// A grant on 200 servers takes a fifth longer at most than the limit demands, and wastes 3 % of its calls at
// most, and so does the next one an hour later. Where answers state no limit, nobody can know it before a call
// is refused, and nothing may wait until then: those under way at that moment are lost besides, once.
func TestGrantUnderALimit(t *testing.T) { //nolint:paralleltest // its lines make a table
	t.Logf("%-30s %8s %6s %8s %9s %5s %7s", "limit", "at once", "calls", "took", "at least", "ratio", "refused")
	some, many := []int{205, 305, 405}, []int{1005}
	for _, tt := range []struct {
		name string
		shape
		inFlight, lost int
		calls          []int
	}{
		{"minute, headers", shape{limit: 150, headers: true}, 16, 0, some},
		{"minute, headers, Retry-After", shape{limit: 150, headers: true, retryAfter: true}, 16, 0, some},
		{"minute, Retry-After", shape{limit: 150, retryAfter: true}, 4, 0, some},
		{"minute, no word", shape{limit: 150}, 4, 0, some},
		{"minute, no word", shape{limit: 150}, 16, 15, some},
		{"bucket, Retry-After", shape{limit: 150, burst: 10, retryAfter: true}, 4, 0, some},
		{"bucket, Retry-After", shape{limit: 150, burst: 10, retryAfter: true}, 16, 15, some},
		{"bucket, headers", shape{limit: 150, burst: 10, headers: true}, 16, 0, some},
		{"bucket, headers", shape{limit: 150, burst: 10, headers: true}, 0, 0, some},
		{"none, headers say 3,000", shape{limit: 3000, headers: true}, 16, 0, many},
	} {
		for _, calls := range tt.calls {
			synctest.Test(t, func(t *testing.T) {
				a, l := &api{shape: tt.shape}, limiter.New(tt.inFlight)
				do(t.Context(), l, limiter.Answer{Status: ok})
				for _, lost := range []int{tt.lost, 0} {
					<-time.After(time.Hour)
					a.refused = 0
					took, ideal := a.grant(t.Context(), t, l, calls), max(tt.ideal(calls), time.Duration(calls)*latency/16)
					t.Logf("%-30s %8d %6d %7.1fs %8.1fs %5.2f %7d", tt.name, tt.inFlight, calls, took.Seconds(), ideal.Seconds(), took.Seconds()/ideal.Seconds(), a.refused)
					if took > ideal*12/10 || a.refused > calls*3/100+lost {
						t.Errorf("%s: %d calls took %v, want %v; %d were refused", tt.name, calls, took, ideal, a.refused)
					}
				}
			})
		}
	}
}

// Nothing is slowed while what is asked for fits into what is left, nor before there is a limit: 1,000
// servers, 16 at once, take the time of their calls.
func TestGrantBelowTheLimit(t *testing.T) {
	played(t, map[string]shape{
		"none":             {},
		"3,000, as stated": {limit: 3000, headers: true},
	}, func(t *testing.T, s shape) {
		const calls = 1000 * latency / 16
		a := &api{shape: s}
		took := a.grant(t.Context(), t, limiter.New(16), 1005)
		t.Logf("1,005 calls took %v of %v, %d were refused", took, calls, a.refused)
		if took > calls+time.Second/2 || a.refused > 0 {
			t.Errorf("took %v, want %v; %d were refused", took, calls, a.refused)
		}
	})
}

// Three programs that use the same account at the same time share it.
func TestGrantBesideOthers(t *testing.T) {
	played(t, map[string]shape{
		"minute": {limit: 150, headers: true},
		"bucket": {limit: 150, burst: 10, headers: true},
	}, func(t *testing.T, s shape) {
		a := &api{shape: s}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				took, ideal := a.grant(t.Context(), t, limiter.New(16), 205), s.ideal(3*205)
				t.Logf("205 calls took %v of %v", took, ideal)
				if took > ideal*12/10 {
					t.Errorf("took %v, want %v", took, ideal)
				}
			})
		}
		wg.Wait()
	})
}

// One 429 that comes out of nothing costs the others half a second, and so does the next an hour later.
func TestStrayRefusal(t *testing.T) {
	played(t, map[string]shape{
		"no word": {stray: 20},
		"headers": {stray: 20, limit: 3000, headers: true},
	}, func(t *testing.T, s shape) {
		a, l := &api{shape: s}, limiter.New(16)
		for range 2 {
			a.calls, a.refused = 0, 0
			if took := a.grant(t.Context(), t, l, 48+5); took > time.Second || a.refused != 1 {
				t.Errorf("48 servers took %v, %d calls were refused", took, a.refused)
			}
			<-time.After(time.Hour)
		}
	})
}

// One that asks to wait is taken for a limit: for as much as was borne until then, those under way with
// it included.
func TestEarlyRefusalThatAsksToWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &api{shape: shape{stray: 11, retryAfter: true}}
		if took := a.grant(t.Context(), t, limiter.New(16), 48+5); took > 8*time.Second || a.refused != 1 {
			t.Errorf("48 servers took %v, %d calls were refused", took, a.refused)
		}
	})
}

const (
	ok      = 200
	refused = 429
)

// do makes a call that is answered at once, and returns how long it waited.
func do(ctx context.Context, l *limiter.Limiter, a limiter.Answer) time.Duration {
	begin, waited := time.Now(), time.Duration(-1)
	_ = l.Do(ctx, func() limiter.Answer { waited = time.Since(begin); return a })
	return waited
}

// hold takes leave to make a call and keeps it until the function is called.
func hold(ctx context.Context, t *testing.T, l *limiter.Limiter) (release func()) {
	t.Helper()
	_, release, err := l.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func TestWaitingCallsStartByPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(1)
		low := limiter.WithPriority(t.Context(), limiter.Low)
		high := limiter.WithPriority(t.Context(), limiter.High)
		first, share := hold(low, t, l), hold(high, t, l) // the place that is kept for the highest
		var order []string
		var wg sync.WaitGroup
		for _, w := range []struct {
			name string
			p    limiter.Priority
		}{{"low", limiter.Low}, {"add 1", limiter.Normal}, {"remove 1", limiter.High}, {"renew", limiter.Elevated}, {"add 2", limiter.Normal}, {"remove 2", limiter.High}} {
			wg.Go(func() {
				release := hold(limiter.WithPriority(t.Context(), w.p), t, l)
				order = append(order, w.name)
				release()
			})
			synctest.Wait()
		}
		if s := l.State(); s.Waiting != 6 || s.InFlight != 2 {
			t.Errorf("state %+v", s)
		}
		share()
		synctest.Wait()
		first()
		wg.Wait()
		if want := []string{"remove 1", "remove 2", "renew", "add 1", "add 2", "low"}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

// While calls of the highest priority are announced, the others go at three quarters of the rate and leave a
// quarter of what there is; below that they go on at less than a quarter of the rate.
func TestAQuarterIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		left := 100
		downTo := func(ctx context.Context, n int) (took time.Duration) {
			begin := time.Now()
			for ; left > n; left-- {
				do(ctx, l, limiter.Answer{Status: ok, Limit: 120, Remaining: left - 1})
			}
			return time.Since(begin)
		}
		downTo(t.Context(), 80)
		l.Reserve(time.Hour)
		if took := downTo(t.Context(), 28); took < 34*time.Second || took > 35*time.Second {
			t.Errorf("52 of 120 calls a minute took %v beside those that end access", took)
		}
		downTo(t.Context(), 20)
		if took := downTo(t.Context(), 15); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("five of the last quarter took %v", took)
		}
		if took := downTo(limiter.WithPriority(t.Context(), limiter.High), 5); took != 0 {
			t.Errorf("what was kept took %v", took)
		}
		l.Reserve(0)
		if took := downTo(t.Context(), 1); took != 0 {
			t.Errorf("the rest took %v", took)
		}
	})
}

// Where no answer states a limit, nobody knows whether little is left: the others go on at three quarters of
// the rate that was measured.
func TestAQuarterOfAMeasuredRateIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		for range 2 { // the second refusal soon after the first is none by chance
			do(t.Context(), l, limiter.Answer{Status: refused, RetryAfter: time.Second})
			for range 10 {
				<-time.After(time.Second)
				do(t.Context(), l, limiter.Answer{Status: ok})
			}
		}
		perMinute := func() (n float64) {
			for began := time.Now(); time.Since(began) < time.Minute; n++ {
				do(t.Context(), l, limiter.Answer{Status: 500}) // which changes no rate
			}
			return n
		}
		perMinute() // what was not used before is used up
		alone := perMinute()
		l.Reserve(time.Hour)
		if share := perMinute() / alone; share < 0.65 || share > 0.8 {
			t.Errorf("%.0f calls a minute, and %.2f of that while others are expected", alone, share)
		}
	})
}

// A removal is several calls, so the others do not rush in between them, also when it has to come again.
func TestTheNextCallOfARemovalIsExpected(t *testing.T) {
	type test struct {
		answer limiter.Answer
		want   time.Duration // for so long the others go at the pace
	}
	const left = 500
	played(t, map[string]test{
		"accepted": {limiter.Answer{Status: ok, Limit: 600, Remaining: left}, time.Second},
		"refused":  {limiter.Answer{Status: refused, RetryAfter: time.Second}, 3 * time.Second},
		"for long": {limiter.Answer{Status: refused, RetryAfter: time.Hour}, 61 * time.Second},
	}, func(t *testing.T, tt test) {
		l := limiter.New(0)
		do(t.Context(), l, limiter.Answer{Status: ok, Limit: 600, Remaining: left})
		begin := time.Now()
		for _, a := range []limiter.Answer{tt.answer, {Status: ok, Limit: 600, Remaining: left}} {
			do(limiter.WithPriority(t.Context(), limiter.High), l, a)
		}
		for range 100 {
			do(t.Context(), l, limiter.Answer{Status: ok, Limit: 600, Remaining: left})
		}
		if took := time.Since(begin); took < tt.want-time.Second/5 || took > tt.want+time.Second/5 {
			t.Errorf("a hundred calls took %v, want %v", took, tt.want)
		}
	})
}

func TestCanceledWaitLeavesNoTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(1)
		release := hold(t.Context(), t, l)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { _, _, err := l.Acquire(ctx); failed <- err }()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) || l.State().Waiting != 0 {
			t.Errorf("%v, state %+v", err, l.State())
		}
		release()
		if _, _, err := l.Acquire(ctx); !errors.Is(err, context.Canceled) || l.State() != (limiter.State{}) {
			t.Errorf("a canceled context: %v, state %+v", err, l.State())
		}
	})
}

// Leave that comes at the very moment that the wait is canceled is handed on.
func TestLeaveThatComesTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(1)
		for range 100 {
			release := hold(t.Context(), t, l)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, late, err := l.Acquire(ctx); err == nil {
					late()
				}
			})
			synctest.Wait()
			wg.Go(release)
			wg.Go(cancel)
			wg.Wait()
			if s := l.State(); s.InFlight != 0 || s.Waiting != 0 {
				t.Fatalf("state %+v", s)
			}
		}
	})
}

func TestLeaveIsForOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(1)
		ctx, release, err := l.Acquire(t.Context())
		if s := l.State(); err != nil || s.InFlight != 1 {
			t.Fatalf("state %+v, %v", s, err)
		}
		other := limiter.New(1)
		do(ctx, other, limiter.Answer{Status: ok})
		for range 2 { // the second waits for a place of its own
			if waited := do(ctx, l, limiter.Answer{Status: ok}); waited != 0 {
				t.Errorf("waited %v", waited)
			}
		}
		release()
		release = hold(t.Context(), t, l)
		release()
		release()
		do(t.Context(), l, limiter.Answer{Lost: true})
		do(t.Context(), l, limiter.Answer{})
		if s := l.State(); s.InFlight != 0 || s.Calls != 3 {
			t.Errorf("state %+v", s)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ctx, _, _ = l.Acquire(ctx)
		cancel()
		if do(ctx, l, limiter.Answer{Status: ok}) >= 0 || l.State().InFlight != 0 {
			t.Errorf("a call was made with a canceled context: %+v", l.State())
		}
	})
}
