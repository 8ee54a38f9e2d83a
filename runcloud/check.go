package runcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

const unauthorized = "RunCloud does not accept the call: the API token is wrong or was regenerated, or " +
	"the address of this machine is not on the workspace's allow-list"

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
	e := &Error{Method: req.Method, Path: pathOf(req), Err: err, Message: clean.text(err.Error())}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Message = "no answer in time"
	}
	e.MaybeApplied = isWrite(req.Method) && !unsent(err)
	return e
}

func refusal(req *http.Request, rep *reply, clean cleaner) *Error {
	e := &Error{Method: req.Method, Path: pathOf(req), Status: rep.status, RetryAfter: rep.pause}
	e.MaybeApplied = isWrite(req.Method) && rep.status/100 != 4
	if isJSON(rep.body) {
		e.Message, e.Fields = errorBody(rep.body, clean)
	} else {
		e.Message, e.Err = "the answer is not JSON", ErrNotJSON
	}
	if e.Message == "" {
		e.Message = http.StatusText(rep.status)
	}
	if rep.status == http.StatusUnauthorized {
		e.Message = unauthorized + " (" + e.Message + ")"
	}
	return e
}

// isJSON reports whether body is an object or an array. A bare string or number is no answer of RunCloud.
func isJSON(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && (body[0] == '{' || body[0] == '[') && json.Valid(body)
}
