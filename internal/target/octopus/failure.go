package octopus

import (
	"errors"
	"fmt"

	"sshkeybot/internal/access"
	"sshkeybot/internal/octopus"
)

// failure translates an error of the client into the domain's. No caller looks at the client's own.
func failure(op string, err error) error {
	e := &access.Error{Op: op, Message: access.CleanText(message(err)), RetryAfter: octopus.RetryAfter(err), Err: err}
	switch {
	case octopus.IsUnauthorized(err):
		e.Code = access.Unauthorized
		e.Message = "Octopus Deploy answers 401: the API key is wrong, or has expired."
	case octopus.IsOutcomeUnknown(err):
		e.Code = access.UnknownOutcome
	case octopus.IsRateLimited(err):
		e.Code = access.RateLimited
	case octopus.IsNotFound(err):
		e.Code = access.NotFound
	case octopus.IsAmbiguous(err):
		e.Code = access.Conflict
	case octopus.IsForbidden(err):
		e.Code, e.Remedy = access.Forbidden, access.RemedyPermission
	case octopus.IsInvalid(err):
		e.Code = access.Invalid
	default:
		e.Code = access.Unavailable
	}
	return e
}

// message returns Octopus's own words, or what was wrong when there was no proper answer.
func message(err error) string {
	if l, ok := errors.AsType[*octopus.LookupError](err); ok {
		if l.Found > 0 {
			return fmt.Sprintf("Octopus Deploy has %d things that are called so.", l.Found)
		}
		return "Octopus Deploy has no such " + l.Kind + ", or does not show it to my API key."
	}
	e, ok := errors.AsType[*octopus.Error](err)
	switch {
	case !ok:
		return "Octopus Deploy did not answer with a complete list."
	case e.Status == 0:
		return "Octopus Deploy did not answer in time, or the connection was cut."
	case errors.Is(err, octopus.ErrNotJSON), errors.Is(err, octopus.ErrUnexpected):
		return "Octopus Deploy answered with something that is not an answer of its API."
	}
	text := fmt.Sprintf("Octopus Deploy answers %d: %s", e.Status, e.Message)
	for _, detail := range e.Details {
		text += " " + detail
	}
	return text
}
