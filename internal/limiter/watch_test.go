package limiter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/limiter"
)

// Who watches is told how long each call waited, also one that gave up, and of each answer.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type wait struct {
			P limiter.Priority
			D time.Duration
		}
		var waits []wait
		var answers []int
		l := limiter.New(0)
		l.Watch(limiter.Watcher{
			Waited:   func(p limiter.Priority, d time.Duration) { waits = append(waits, wait{p, d}) },
			Answered: func(a limiter.Answer) { answers = append(answers, a.Status) },
		})
		do(t.Context(), l, limiter.Answer{Status: refused, RetryAfter: 9 * time.Second}) // and one for the fraction
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		do(impatient, l, limiter.Answer{Status: ok})
		do(limiter.WithPriority(t.Context(), limiter.High), l, limiter.Answer{Lost: true})
		_, release, err := l.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release()
		l.Count(limiter.Answer{Status: ok})
		if diff := cmp.Diff([]wait{{limiter.Normal, 0}, {limiter.Normal, time.Second}, {limiter.High, 9 * time.Second}}, waits[:3]); diff != "" || len(waits) != 4 {
			t.Errorf("%v: %s", waits, diff)
		}
		if diff := cmp.Diff([]int{refused, 0, ok}, answers); diff != "" {
			t.Error(diff)
		}
	})
}
