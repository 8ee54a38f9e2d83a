package octopus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// checking passes a 2xx with a JSON body on, and returns an [*Error] for everything else.
func checking(next handler, clean cleaner) handler {
	return func(req *http.Request) (*reply, error) {
		rep, err := next(req)
		if err != nil {
			return nil, noAnswer(req, err, clean)
		}
		if rep.status/100 == 2 && isJSON(rep.body) {
			return rep, nil
		}
		return nil, refusal(req, rep, clean)
	}
}

func noAnswer(req *http.Request, err error, clean cleaner) *Error {
	e := &Error{Op: opOf(req), Err: err, Message: clean.text(err.Error())}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Message = "no answer in time"
	}
	e.MaybeApplied = isWrite(req.Method) && !unsent(err)
	return e
}

func refusal(req *http.Request, rep *reply, clean cleaner) *Error {
	e := &Error{Op: opOf(req), Status: rep.status, RetryAfter: rep.pause}
	if isJSON(rep.body) {
		e.Message, e.Details = errorBody(rep.body, clean)
	} else {
		e.Message, e.Err = "the answer is not JSON", ErrNotJSON
	}
	if e.Message == "" {
		e.Message = http.StatusText(rep.status)
	}
	e.MaybeApplied = isWrite(req.Method) && !refused(e)
	return e
}

// refused reports whether the answer says that nothing was done. A 4xx that is not JSON comes from something on
// the way, such as a proxy that ran out of patience, except for the two that Octopus gives before it looks at a
// request.
func refused(e *Error) bool {
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusTooManyRequests {
		return true
	}
	return e.Status/100 == 4 && e.readable()
}

// isJSON reports whether body is an object or an array. A bare string or number is no answer of Octopus.
func isJSON(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && (body[0] == '{' || body[0] == '[') && json.Valid(body)
}
