package scalingo

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
	// ErrUnexpected is wrapped by the [*Error] of a 2xx that is not what was documented, such as a web page.
	ErrUnexpected = errors.New("unexpected answer")
	// ErrPaginated is wrapped by the [*Error] of a list that says that it has pages, which no list of this
	// host is known to have: what was read may be the first of them.
	ErrPaginated = errors.New("the list has pages")
	// ErrOwnTokenUnknown is returned by [Client.OwnToken] when no single row, or more than one, may be the
	// token of the client.
	ErrOwnTokenUnknown = errors.New("scalingo: it cannot be told which API token is in use here")
)

// Error is a call that failed. Its texts are Scalingo's own where there are any: shortened, without control
// characters, tokens, keys and e-mail addresses.
type Error struct {
	Op     string // what the call was for
	Status int    // HTTP status; 0 if there was no complete answer

	Message string
	Fields  map[string][]string // what a 422 says about each field

	// RetryAfter is how long to wait before the next try: what Scalingo says, or a minute after a 429 that
	// says nothing; otherwise 0.
	RetryAfter time.Duration
	// MaybeApplied is set for a POST or DELETE that Scalingo may have carried out all the same.
	MaybeApplied bool

	Err error // the cause, if the answer itself is not the cause

	exchange bool // it is the exchange that failed: the call itself was not made
}

// Error returns call, status, message and fields in one bounded line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "scalingo: %s: ", e.Op)
	if e.exchange {
		b.WriteString("exchange of the API token: ")
	}
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

// temporary reports whether the same call may succeed later: after no answer, a 5xx and an answer that is
// not what was documented, but not when its own caller canceled it.
func (e *Error) temporary() bool {
	return e.Status == 0 && !errors.Is(e.Err, context.Canceled) || e.Status >= 500 || e.Status/100 == 2
}

// IsUnauthorized reports whether Scalingo refused the API token, or a JSON web token that it had just given
// out: every other call would fail too.
func IsUnauthorized(err error) bool { return asError(err).is(http.StatusUnauthorized) }

// IsForbidden reports whether the account may not make the call (402, 403).
func IsForbidden(err error) bool {
	return asError(err).is(http.StatusPaymentRequired, http.StatusForbidden)
}

// IsRateLimited reports whether there were too many calls (429). The call was not carried out then.
func IsRateLimited(err error) bool { return asError(err).is(http.StatusTooManyRequests) }

// IsNotFound reports whether there is no such thing (404).
func IsNotFound(err error) bool { return asError(err).about(http.StatusNotFound) }

// IsInvalid reports whether Scalingo refused the data (400, 409, 422); Fields may say why.
func IsInvalid(err error) bool {
	return asError(err).about(http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity)
}

// IsOutcomeUnknown reports whether a POST or DELETE that failed may have been applied all the same: it was
// sent and no answer came, or one that is neither a 4xx nor what was documented.
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

func asError(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

// is reports whether the call, or the exchange before it, was answered with one of these.
func (e *Error) is(statuses ...int) bool { return e != nil && slices.Contains(statuses, e.Status) }

// about reports whether the call itself was answered with one of these. What the exchange answers is not
// about the thing that was asked for.
func (e *Error) about(statuses ...int) bool { return e.is(statuses...) && !e.exchange }
