package runcloud

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

type retryRule struct {
	attempts      int
	base, maxWait time.Duration
}

// retrying repeats GET and DELETE after failures that may pass. It never repeats a POST: whether it
// was applied is for the caller to find out.
func retrying(next handler, rule retryRule) handler {
	return func(req *http.Request) (*reply, error) {
		maybe := false
		for attempt := 1; ; attempt++ {
			rep, err := next(req)
			var e *Error
			if err == nil || !errors.As(err, &e) {
				return rep, err
			}
			e.inherit(maybe)
			maybe = e.MaybeApplied
			wait := rule.wait(attempt, e.RetryAfter)
			if attempt >= rule.attempts || wait > rule.maxWait || !retryable(req, e) {
				return nil, e
			}
			if err := sleep(req.Context(), wait); err != nil {
				e.Err = errors.Join(err, e.Err)
				return nil, e
			}
		}
	}
}

// retryable reports whether sending the same request again is safe and may help. One that got no
// answer in time is not sent again: whoever waits has waited for long.
func retryable(req *http.Request, e *Error) bool {
	again := req.Method == http.MethodGet || req.Method == http.MethodDelete
	return again && req.Context().Err() == nil && e.temporary() && !errors.Is(e, context.DeadlineExceeded)
}

// wait returns the backoff, half to one and a half times the doubled base, or what is demanded if that is
// longer. The backoff alone never exceeds maxWait.
func (r retryRule) wait(attempt int, demanded time.Duration) time.Duration {
	backoff := r.base << min(attempt-1, 16)
	if backoff > 0 {
		backoff = backoff/2 + rand.N(backoff)
	}
	return max(min(backoff, r.maxWait), demanded)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
