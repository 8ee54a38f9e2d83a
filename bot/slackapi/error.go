package slackapi

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

// unspecified is how long to wait after a refusal for haste that does not say.
const unspecified = 3 * time.Second

// slackError is Slack's own code for what it did not do, and the channel that the
// message was for, if it was one.
type slackError struct{ code, channel string }

func (e *slackError) Error() string { return e.code }

// ErrorCode returns Slack's own code for an error of a Client, and "" when there is none.
func ErrorCode(err error) string {
	if e, ok := errors.AsType[*slackError](err); ok {
		return e.code
	}
	return ""
}

// ErrorChannel returns the channel of the message that an error of a Client is about, and
// "" when there is none.
func ErrorChannel(err error) string {
	if e, ok := errors.AsType[*slackError](err); ok {
		return e.channel
	}
	return ""
}

// IsChannelClosed reports whether the channel takes no message of ours until somebody
// mends that.
func IsChannelClosed(err error) bool { return closesChannel(ErrorCode(err)) }

// IsTemporary reports whether what failed may succeed in a minute.
func IsTemporary(err error) bool {
	switch access.CodeOf(err) {
	case access.Unavailable, access.RateLimited, access.UnknownOutcome, access.Internal:
		return true
	}
	return false
}

// slackIsAway is what people read when Slack does not answer us.
const slackIsAway = "Slack does not answer me, so nothing was changed. Please try again in a minute."

// failure returns what an error of slack-go means for the caller.
func failure(c call, err error) error {
	if err == nil {
		return nil
	}
	if limit, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return rateLimited(c, limit.RetryAfter)
	}
	if response, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return codeError(c, response.Err)
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return statusError(c, status)
	}
	return unanswered(c, err)
}

func rateLimited(c call, wait time.Duration) error {
	return &access.Error{Code: access.RateLimited, Op: c.method, Message: "Slack is busy, so nothing was changed. Please try again in a minute.", RetryAfter: max(wait, time.Second)}
}

// codeError returns the error for a code of the Web API: of trouble at Slack, of our
// token, or, for all others, about this one call.
func codeError(c call, code string) error {
	e := &access.Error{Code: access.Invalid, Op: c.method, Message: "Slack did not do its part, so nothing was changed. Please tell whoever runs me; the log says more.", Err: &slackError{code, c.channel}}
	if refusesToken(code) {
		e.Code = access.Unauthorized
		return e
	}
	switch code {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return rateLimited(c, unspecified)
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		e.Code = access.Unavailable
	case "missing_scope", "not_allowed_token_type":
		e.Code = access.Unauthorized
	case "message_not_found", "channel_not_found", "user_not_found", "thread_not_found", "no_such_subteam", "not_found":
		e.Code = access.NotFound
	}
	return e
}

func statusError(c call, status slack.StatusCodeError) error {
	e := &access.Error{Code: access.Invalid, Op: c.method, Message: "Slack did not do its part, so nothing was changed. Please tell whoever runs me; the log says more.", Err: status}
	switch {
	case status.Code == http.StatusTooManyRequests:
		return rateLimited(c, unspecified)
	case status.Code >= http.StatusInternalServerError && c.safe:
		e.Code, e.Message = access.Unavailable, slackIsAway
	case status.Code >= http.StatusInternalServerError:
		e.Code, e.Message = access.UnknownOutcome, slackIsAway
	}
	return e
}

// unanswered returns the error of a call without an answer. One that did not even connect
// has changed nothing.
func unanswered(c call, err error) error {
	if bad, ok := errors.AsType[*url.Error](err); ok {
		err = bad.Err // without the address, which may be a secret
	}
	e := &access.Error{Code: access.UnknownOutcome, Op: c.method, Message: slackIsAway, Err: err}
	if op, ok := errors.AsType[*net.OpError](err); c.safe || ok && op.Op == "dial" {
		e.Code = access.Unavailable
	}
	return e
}
