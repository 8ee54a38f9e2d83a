package runcloud

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

var (
	// ErrNotJSON is wrapped by the [*Error] of an answer that is HTML, empty, cut off or otherwise not
	// a JSON object or array, at any status.
	ErrNotJSON = errors.New("not JSON")
	// ErrUnexpected is wrapped by the [*Error] of an answer that is JSON without what was documented.
	ErrUnexpected = errors.New("unexpected answer")
)

// Error is a call that failed. Its texts are RunCloud's own where there are any: shortened, without
// control characters, and without the token.
type Error struct {
	Method string
	Path   string // below the base address, without query
	Status int    // HTTP status; 0 if there was no complete answer

	Message string
	Fields  map[string][]string // what a 422 says about each field

	// RetryAfter is how long to wait before the next try, as far as RunCloud said so or the limiter
	// knows; otherwise 0.
	RetryAfter time.Duration
	// MaybeApplied is set for a write that RunCloud may have carried out all the same.
	MaybeApplied bool

	Err error // the cause, if the answer itself is not the cause
}

// Error returns call, status, message and fields in one bounded line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "runcloud: %s %s: ", e.Method, e.Path)
	if e.Status != 0 {
		fmt.Fprintf(&b, "%d: ", e.Status)
	}
	b.WriteString(e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		fmt.Fprintf(&b, "; %s: %s", name, strings.Join(e.Fields[name], " "))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// inherit keeps MaybeApplied of an earlier attempt, unless a 404 says that the thing is not there.
func (e *Error) inherit(maybe bool) {
	e.MaybeApplied = e.MaybeApplied || maybe && !(e.Status == http.StatusNotFound && e.readable())
}

func (e *Error) readable() bool { return !errors.Is(e.Err, ErrNotJSON) }

// temporary reports whether the same call may succeed later: after no answer, a 429, a 5xx and an answer
// that cannot be read, but not when its own caller canceled it.
func (e *Error) temporary() bool {
	switch {
	case e.Status == 0:
		return !errors.Is(e.Err, context.Canceled)
	case e.Status == http.StatusTooManyRequests, e.Status >= 500:
		return true
	case e.Status == http.StatusUnauthorized, e.Status/100 == 3:
		return false
	}
	return errors.Is(e.Err, ErrNotJSON) || errors.Is(e.Err, ErrUnexpected)
}

// IsNotFound reports whether RunCloud says there is no such thing. A 404 that is not JSON does not count:
// it comes from something else on the way, and proves nothing.
func IsNotFound(err error) bool {
	e := asError(err)
	return e != nil && e.Status == http.StatusNotFound && e.readable()
}

// IsUnauthorized reports whether RunCloud refused the token or the caller's address: every other call
// would fail too.
func IsUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsForbidden reports whether the token does not reach this one resource. A 403 that is not JSON does
// not count: it is the block page of something on the way, and the call may succeed later.
func IsForbidden(err error) bool {
	e := asError(err)
	return e != nil && e.Status == http.StatusForbidden && e.readable()
}

// IsInvalid reports whether RunCloud refused the data; Fields may say why.
func IsInvalid(err error) bool {
	e := asError(err)
	return e != nil && (e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusBadRequest) && e.readable()
}

// IsRateLimited reports whether the rate limit or the quota is used up. The call was not carried out then.
func IsRateLimited(err error) bool { return hasStatus(err, http.StatusTooManyRequests) }

// IsOutcomeUnknown reports whether a POST or DELETE that failed may have been applied all the same: it
// was sent and no answer came, or a 3xx, a 5xx or one that cannot be read. It is false when the request
// was not sent or RunCloud refused it (4xx).
func IsOutcomeUnknown(err error) bool {
	e := asError(err)
	return e != nil && e.MaybeApplied
}

// RetryAfter returns how long to wait before the next try, or 0; see [Error].
func RetryAfter(err error) time.Duration {
	if e := asError(err); e != nil {
		return e.RetryAfter
	}
	return 0
}

func hasStatus(err error, status int) bool {
	e := asError(err)
	return e != nil && e.Status == status
}

func asError(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}
