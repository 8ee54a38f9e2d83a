package scalingo

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// How often a GET or DELETE is sent at most, and the wait before the first repetition.
const (
	attempts = 3
	backoff  = 500 * time.Millisecond
	patience = 5 * time.Second // who is to wait longer is told so instead
)

// retrying repeats GET and DELETE after failures that may pass. It never repeats a POST: whether it was
// applied is for the caller to find out; nor what got no answer in time: whoever waits has waited for long.
func retrying(next handler) handler {
	return func(ctx context.Context, r request) (*reply, error) {
		maybe := false
		for attempt := 1; ; attempt++ {
			rep, err := next(ctx, r)
			e := asError(err)
			if e == nil {
				return rep, err
			}
			// An earlier attempt may have been applied, unless there is nothing left to apply it to.
			e.MaybeApplied = e.MaybeApplied || maybe && !e.about(http.StatusNotFound)
			maybe = e.MaybeApplied
			wait := waitAfter(attempt, e)
			if attempt == attempts || wait > patience || r.method == http.MethodPost || !e.temporary() || errors.Is(e, context.DeadlineExceeded) || ctx.Err() != nil {
				return nil, e
			}
			if err := sleep(ctx, wait); err != nil {
				e.Err = errors.Join(err, e.Err)
				return nil, e
			}
		}
	}
}

// waitAfter returns half to one and a half times the backoff, which doubles each time, or what is demanded
// if that is longer.
func waitAfter(attempt int, e *Error) time.Duration {
	doubled := backoff << (attempt - 1)
	return max(doubled/2+rand.N(doubled), e.RetryAfter)
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
