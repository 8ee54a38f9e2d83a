package octopus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

var (
	// ErrNotJSON is wrapped by the [*Error] of an answer that is HTML, empty, cut off or otherwise not a JSON
	// object or array, at any status.
	ErrNotJSON = errors.New("not JSON")
	// ErrUnexpected is wrapped by the [*Error] of an answer that is JSON without what was documented.
	ErrUnexpected = errors.New("unexpected answer")
)

// Error is a call that failed. Its texts are Octopus's own where there are any: shortened, without control
// characters, and without the API key or what might be a private key.
type Error struct {
	Op     string // method and path below the base address, without query
	Status int    // HTTP status; 0 if there was no complete answer

	Message string
	Details []string // what Octopus says beyond the message, one sentence each; at most five

	// RetryAfter is how long to wait before the next try, as far as Octopus said so; a minute for a 429 that
	// does not.
	RetryAfter time.Duration
	// MaybeApplied is set for a PUT or POST that Octopus may have carried out all the same.
	MaybeApplied bool

	Err error // the cause, if the answer itself is not the cause
}

// Error returns call, status, message and details in one bounded line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "octopus: %s: ", e.Op)
	if e.Status != 0 {
		fmt.Fprintf(&b, "%d: ", e.Status)
	}
	b.WriteString(strings.Join(append([]string{e.Message}, e.Details...), "; "))
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) readable() bool { return !errors.Is(e.Err, ErrNotJSON) }

// temporary reports whether the same call may succeed later: after no answer, a 429, a 5xx and an answer that
// cannot be read, but not when its own caller canceled it.
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

// LookupError is returned when a name or id is that of no thing, or of several.
type LookupError struct {
	Kind  string // of thing, such as "account"
	Name  string // or id, that was looked for, shortened
	Found int    // how many things have it
}

func (e *LookupError) Error() string {
	if e.Found == 0 {
		return fmt.Sprintf("octopus: there is no %s %q", e.Kind, e.Name)
	}
	return fmt.Sprintf("octopus: %d things are the %s %q", e.Found, e.Kind, e.Name)
}

// IsNotFound reports whether Octopus says that there is no such thing, or shows none to this API key. A 404 that
// is not JSON does not count: it comes from something else on the way, and proves nothing.
func IsNotFound(err error) bool {
	if l, ok := errors.AsType[*LookupError](err); ok {
		return l.Found == 0
	}
	e := asError(err)
	return e != nil && e.Status == http.StatusNotFound && e.readable()
}

// IsAmbiguous reports whether several things have the name that was looked for.
func IsAmbiguous(err error) bool {
	l, ok := errors.AsType[*LookupError](err)
	return ok && l.Found > 1
}

// IsUnauthorized reports whether Octopus does not know the API key, or it has expired: every other call would
// fail too.
func IsUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsForbidden reports whether the API key lacks the right for this call. A 403 that is not JSON does not count:
// it is the block page of something on the way, and the call may succeed later.
func IsForbidden(err error) bool {
	e := asError(err)
	return e != nil && e.Status == http.StatusForbidden && e.readable()
}

// IsInvalid reports whether Octopus refused the data (400, 409); Details may say why.
func IsInvalid(err error) bool {
	e := asError(err)
	return e != nil && (e.Status == http.StatusBadRequest || e.Status == http.StatusConflict) && e.readable()
}

// IsRateLimited reports whether the rate limit is used up. The call was not carried out then.
func IsRateLimited(err error) bool { return hasStatus(err, http.StatusTooManyRequests) }

// IsOutcomeUnknown reports whether a PUT or POST that failed may have been carried out all the same: it was sent,
// and no answer came, or a 3xx, a 5xx or one that cannot be read. It is false when the request was not sent or
// Octopus refused it.
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
