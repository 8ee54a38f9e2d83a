package scalingo

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sshkeybot/internal/access"
	"sshkeybot/internal/scalingo"
)

// failed returns failure, or nil for no error.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return failure(op, err)
}

// failure translates an error of the client into the domain's. No caller looks at the client's own. A 404 is no
// reason to believe that anything is gone; see missing.
func failure(op string, err error) *access.Error {
	e := &access.Error{Op: op, Message: access.CleanText(message(err)), RetryAfter: scalingo.RetryAfter(err), Err: err}
	switch {
	case scalingo.IsUnauthorized(err):
		e.Code = access.Unauthorized
		e.Message = "Scalingo answers 401: the API token is wrong, or was deleted or regenerated."
	case scalingo.IsOutcomeUnknown(err):
		e.Code = access.UnknownOutcome
	case scalingo.IsRateLimited(err):
		e.Code = access.RateLimited
	case scalingo.IsForbidden(err):
		e.Code, e.Remedy = access.Forbidden, access.RemedyPermission
	case scalingo.IsInvalid(err):
		e.Code = access.Invalid
	default:
		e.Code = access.Unavailable
	}
	return e
}

// status returns with which HTTP status a call was answered, or 0.
func status(err error) int {
	if e, ok := errors.AsType[*scalingo.Error](err); ok {
		return e.Status
	}
	return 0
}

// message returns Scalingo's own words with the fields that a 422 names, or what was wrong when there was no
// proper answer.
func message(err error) string {
	e, ok := errors.AsType[*scalingo.Error](err)
	switch {
	case !ok, e.Status == 0:
		return "Scalingo did not answer in time, or the connection was cut."
	case errors.Is(err, scalingo.ErrPaginated):
		return "Scalingo's list has pages now, so I cannot tell that I read all of it."
	case errors.Is(err, scalingo.ErrUnexpected):
		return "Scalingo answered with something that is not an answer of its API."
	}
	return words(e)
}

// words joins Scalingo's message with what it says of each field.
func words(e *scalingo.Error) string {
	text := fmt.Sprintf("Scalingo answers %d: %s", e.Status, e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		text += "; " + name + " " + strings.Join(e.Fields[name], ", ")
	}
	return text
}
