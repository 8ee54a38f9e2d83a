package scalingo

import (
	"context"
	"errors"
	"net/http"

	"sshkeybot/internal/limiter"
)

// limiting makes the call when the limiter lets it start, and hands over what came of it.
func limiting(next handler, l *limiter.Limiter) handler {
	return func(ctx context.Context, r request) (rep *reply, err error) {
		canceled := l.Do(ctx, func() limiter.Answer {
			rep, err = next(ctx, r)
			return answerOf(err)
		})
		if canceled != nil {
			return nil, notSent(r.op, canceled)
		}
		return rep, err
	}
}

// answerOf returns what a call came to for the limiter.
func answerOf(err error) limiter.Answer {
	e := asError(err)
	if e == nil {
		return limiter.Answer{Status: http.StatusOK}
	}
	var s *sendError
	unsent := errors.As(err, &s) && s.unsent
	return limiter.Answer{Status: e.Status, RetryAfter: e.RetryAfter, Lost: e.Status == 0 && !unsent}
}

// authorizing sends the call with a JSON web token, and once more with a new one when that is refused. The
// limiter counts the first of the two beside the call that it let start.
func authorizing(next handler, s *session) handler {
	return func(ctx context.Context, r request) (rep *reply, err error) {
		if r.jwt, err = s.token(ctx, r.op, ""); err != nil {
			return nil, err
		}
		rep, err = next(ctx, r)
		if !IsUnauthorized(err) {
			return rep, err
		}
		s.limiter.Count(answerOf(err))
		if r.jwt, err = s.token(ctx, r.op, r.jwt); err != nil {
			return nil, err
		}
		return next(ctx, r)
	}
}
