package scalingo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	unauthorized = "Scalingo does not accept the API token: it is wrong, or was deleted or regenerated"
	minute       = time.Minute // in which Scalingo counts calls
	longestWait  = 24 * time.Hour
)

// checking passes the answer on if it is what the method promises, and returns an [*Error] for everything
// else. Only a DELETE has no body.
func checking(next handler, clean func(request) cleaner) handler {
	return func(ctx context.Context, r request) (*reply, error) {
		rep, err := next(ctx, r)
		switch {
		case err != nil:
			return nil, r.noAnswer(err, clean(r))
		case rep.status/100 != 2:
			return nil, r.refusal(rep, clean(r))
		case r.method == http.MethodDelete && rep.status != http.StatusNoContent:
			return nil, r.unexpected(rep.status, "the answer does not confirm that anything was deleted")
		case r.method != http.MethodDelete && !json.Valid(rep.body):
			return nil, r.unexpected(rep.status, "the answer is not JSON")
		}
		return rep, nil
	}
}

// notSent is the error of a call that was given up before it was made.
func notSent(op string, err error) *Error {
	return &Error{Op: op, Message: "given up before it was made", Err: &sendError{err: err, unsent: true}}
}

// noAnswer is the error of a call without a complete answer.
func (r request) noAnswer(err error, clean cleaner) *Error {
	e := &Error{Op: r.op, Err: err, Message: clean.text(err.Error())}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Message = "no answer in time"
	}
	var s *sendError
	e.MaybeApplied = r.writes() && !(errors.As(err, &s) && s.unsent)
	return e
}

// refusal is the error of an answer that is no success.
func (r request) refusal(rep *reply, clean cleaner) *Error {
	e := &Error{Op: r.op, Status: rep.status, RetryAfter: pause(rep), MaybeApplied: r.writes() && rep.status/100 != 4}
	e.Message, e.Fields = errorBody(rep.body, clean)
	switch {
	case rep.status == http.StatusUnauthorized:
		e.Message = unauthorized
	case e.Message == "":
		e.Message = http.StatusText(rep.status)
	}
	return e
}

// unexpected is the error of a success that is not what was documented.
func (r request) unexpected(status int, message string) *Error {
	return &Error{Op: r.op, Status: status, Message: message, Err: ErrUnexpected, MaybeApplied: r.writes()}
}

func (r request) writes() bool { return r.method != http.MethodGet }

// pause returns how long an answer asks to be left alone. A 429 of Scalingo does not say: the minute that
// it counts in is over then at the latest.
func pause(rep *reply) time.Duration {
	seconds, err := strconv.ParseUint(strings.TrimSpace(rep.header.Get("Retry-After")), 10, 31)
	switch {
	case err == nil && seconds > 0:
		return min(time.Duration(seconds)*time.Second, longestWait)
	case rep.status == http.StatusTooManyRequests:
		return minute
	}
	return 0
}
