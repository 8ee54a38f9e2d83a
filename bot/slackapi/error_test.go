package slackapi

import (
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
)

func TestWhatAFailureMeans(t *testing.T) {
	t.Parallel()
	post, update := call{method: "chat.postMessage"}, call{method: "chat.update", safe: true}
	for _, tc := range []struct {
		call call
		err  error
		want access.Code
	}{
		{post, &slack.RateLimitedError{RetryAfter: 7 * time.Second}, access.RateLimited},
		{post, slack.SlackErrorResponse{Err: "rate_limited"}, access.RateLimited},
		{post, slack.StatusCodeError{Code: 429}, access.RateLimited},
		{post, slack.SlackErrorResponse{Err: "internal_error"}, access.Unavailable},
		{post, slack.StatusCodeError{Code: 503}, access.UnknownOutcome},
		{update, slack.StatusCodeError{Code: 503}, access.Unavailable},
		{post, slack.StatusCodeError{Code: 404}, access.Invalid},
		{post, slack.SlackErrorResponse{Err: "token_revoked"}, access.Unauthorized},
		{post, slack.SlackErrorResponse{Err: "channel_not_found"}, access.NotFound},
		{post, slack.SlackErrorResponse{Err: "msg_too_long"}, access.Invalid},
		{post, &url.Error{Op: "Post", URL: "http://secret", Err: &net.OpError{Op: "dial", Err: io.EOF}}, access.Unavailable},
		{post, &url.Error{Op: "Post", URL: "http://secret", Err: io.ErrUnexpectedEOF}, access.UnknownOutcome},
		{update, context.DeadlineExceeded, access.Unavailable},
	} {
		err := failure(tc.call, tc.err)
		if access.CodeOf(err) != tc.want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v is %s", tc.call.method, tc.err, access.CodeOf(err))
		}
	}
	if got := access.RetryAfter(failure(post, &slack.RateLimitedError{RetryAfter: 7 * time.Second})); got != 7*time.Second {
		t.Errorf("retry after %s", got)
	}
	if failure(post, nil) != nil {
		t.Error("no failure is one")
	}
}
