package runcloud

import (
	"errors"
	"net/http"
	"time"
)

// limiting waits for the limiter's leave and tells it what the answer says about the limit.
func limiting(next handler, l *Limiter) handler {
	return func(req *http.Request) (*reply, error) {
		call, err := l.enter(req.Context())
		if err != nil {
			return nil, &sendError{err: err, unsent: true}
		}
		rep, err := next(req)
		if err != nil {
			l.release(call, outcome{counted: !unsent(err), rate: noRate()})
			return nil, err
		}
		out := outcomeOf(rep)
		rep.pause = out.pause(l.release(call, out))
		return rep, nil
	}
}

// pause is how long the caller should wait: what RunCloud says, or else what the limiter guesses.
func (o outcome) pause(guess time.Duration) time.Duration {
	switch {
	case o.retryAfter >= 0:
		return o.retryAfter
	case o.status != http.StatusTooManyRequests:
		return 0
	case o.reset >= 0:
		return o.reset
	}
	return guess
}

func unsent(err error) bool {
	var s *sendError
	return errors.As(err, &s) && s.unsent
}
