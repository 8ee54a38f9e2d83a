package access

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
)

// Code is the kind of failure of an Error. Callers decide on it, never on the text.
type Code string

// The codes of an Error.
const (
	Invalid        Code = "invalid"         // the input is wrong; nothing changed
	Forbidden      Code = "forbidden"       // this person may not do this
	NotFound       Code = "not_found"       // there is no such thing
	Conflict       Code = "conflict"        // somebody else was first, or the state has moved on
	RateLimited    Code = "rate_limited"    // the other side asks to come back later
	Unavailable    Code = "unavailable"     // temporary; nothing was changed there
	UnknownOutcome Code = "unknown_outcome" // a write may or may not have taken effect
	Unauthorized   Code = "unauthorized"    // our own credentials are refused; every call would fail
	Internal       Code = "internal"        // a fault in the bot or in a library
)

// ErrKeyTaken is wrapped by the Invalid error of a target that already has the key.
var ErrKeyTaken = errors.New("the key is there already")

// Error is a failure with a sentence for a person. Message is shown as it is, through
// MessageOf; Err is for the log and is never shown.
type Error struct {
	Code       Code
	Op         string        // what was being done, for the log
	Message    string        // one clear sentence for the person who asked
	RetryAfter time.Duration // for RateLimited: how long the other side wants to be left alone; 0 when it did not say
	Who        UserID        // for Conflict: who was first
	When       time.Time     // for Conflict: when that was
	About      UserID        // the subject of Message, which then begins with its verb
	Ask        []string      // for Forbidden: the users and groups who may do it
	Changed    *FactsChange  // for Conflict: how what was shown differs from what is so
	Problem    Problem       // what stands in the way, where the Code alone does not say it
	Remedy     Remedy        // for Invalid, Forbidden and NotFound of a target: what a person can do about it
	Word       string        // what a person typed; MessageOf puts it for the first … in Message. It is never logged
	Err        error
}

// Error joins operation, message and cause, for logs. It leaves Word out, which may be
// anything that somebody typed.
func (e *Error) Error() string {
	parts := []string{e.Op, e.Message}
	if e.Err != nil {
		parts = []string{e.Op, strings.TrimSuffix(e.Message, "."), e.Err.Error()}
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first *Error that err wraps, and Internal if it wraps none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// MessageOf returns the sentence that a person reads about err. For an error that wraps no
// *Error it is a general one: the text of a library's error is never shown.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Message != "" {
		text := strings.Replace(e.Message, "…", cmp.Or(e.Word, "…"), 1)
		if e.About != "" {
			text = "This person " + text
		}
		return text
	}
	return "Something went wrong on my side. Nothing was changed; the log tells more."
}

// RetryAfter returns how long err asks to wait, and 0 if it does not say.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// NewInvalid returns an Error with code Invalid and that message.
func NewInvalid(message string) error { return &Error{Code: Invalid, Message: message} }

// NewForbidden returns an Error with code Forbidden and that message.
func NewForbidden(message string) error { return &Error{Code: Forbidden, Message: message} }

// NewNotFound returns an Error with code NotFound and that message.
func NewNotFound(message string) error { return &Error{Code: NotFound, Message: message} }

// NewConflict returns an Error with code Conflict and that message.
func NewConflict(message string) error { return &Error{Code: Conflict, Message: message} }

// NewInvalidWord returns an Error with code Invalid, that message and that Word.
func NewInvalidWord(typed, message string) error {
	return &Error{Code: Invalid, Message: message, Word: typed}
}
