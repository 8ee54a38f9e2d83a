package runcloud

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

const credential = `{"id": 7, "label": "a", "user": "runcloud", "publicKey": "ssh-ed25519 AAAA...", "temporary": true}`

// verbs makes one call of each method that the client uses.
var verbs = map[string]func(context.Context, *Client) error{
	"GET": func(ctx context.Context, c *Client) error { _, err := c.Server(ctx, 7); return err },
	"POST": func(ctx context.Context, c *Client) error {
		_, err := c.CreateSSHCredential(ctx, 1, SSHCredentialCreateOpts{Label: "a"})
		return err
	},
	"DELETE": func(ctx context.Context, c *Client) error { return c.DeleteSSHCredential(ctx, 1, 7) },
}

func TestRetryRules(t *testing.T) {
	t.Parallel()
	long := http.Header{"Retry-After": {"30"}}
	brief := http.Header{"Retry-After": {"1"}}
	tests := map[string]struct {
		first func() *http.Response
		again bool // for GET and DELETE
	}{
		"429, short wait":  {func() *http.Response { return canned(429, `{}`, brief) }, true},
		"429, long wait":   {func() *http.Response { return canned(429, `{}`, long) }, false},
		"429, no wait":     {func() *http.Response { return canned(429, `{}`, nil) }, true},
		"500":              {func() *http.Response { return canned(500, `{}`, nil) }, true},
		"502 HTML":         {func() *http.Response { return canned(502, `<html>`, nil) }, true},
		"503, long wait":   {func() *http.Response { return canned(503, `{}`, long) }, false},
		"cut":              {func() *http.Response { return nil }, true},
		"200 HTML":         {func() *http.Response { return canned(200, `<html>`, nil) }, true},
		"200 empty":        {func() *http.Response { return canned(200, ``, nil) }, true},
		"404 HTML":         {func() *http.Response { return canned(404, `<html>`, nil) }, true},
		"401":              {func() *http.Response { return canned(401, `{}`, nil) }, false},
		"401 HTML":         {func() *http.Response { return canned(401, `<html>`, nil) }, false},
		"403":              {func() *http.Response { return canned(403, `{}`, nil) }, false},
		"404":              {func() *http.Response { return canned(404, `{}`, nil) }, false},
		"422":              {func() *http.Response { return canned(422, `{}`, nil) }, false},
		"302":              {func() *http.Response { return canned(302, `<html>`, http.Header{"Location": {"/login"}}) }, false},
		"200 without data": {func() *http.Response { return canned(200, `{}`, nil) }, false},
	}
	for name, tt := range tests {
		for verb, do := range verbs {
			t.Run(verb+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &script{replies: []*http.Response{tt.first(), canned(200, credential, nil)}}
					c := New("t", WithHTTPClient(&http.Client{Transport: s}))
					err := do(t.Context(), c)
					if again := len(s.calls) == 2; again != (tt.again && verb != "POST") || again != (err == nil) {
						t.Errorf("%d calls, err %v", len(s.calls), err)
					}
				})
			})
		}
	}
}

func TestRetryEndsAndBacksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []*http.Response{nil, nil, nil, nil, nil}}
		c := New("t", WithHTTPClient(&http.Client{Transport: s}), WithRetry(4, time.Second))
		begin := time.Now()
		err := c.Ping(t.Context())
		if !errors.Is(err, errCut) || len(s.calls) != 4 {
			t.Errorf("%d calls, err %v", len(s.calls), err)
		}
		// 1, 2 and 4 seconds, each with a jitter of half.
		if took := time.Since(begin); took < 3500*time.Millisecond || took > 10500*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestBackoffNeverExceedsMaxWait(t *testing.T) {
	t.Parallel()
	rule := retryRule{attempts: 100, base: time.Second, maxWait: 5 * time.Second}
	for attempt := 1; attempt < 100; attempt++ {
		if got := rule.wait(attempt, 0); got < rule.base/2 || got > rule.maxWait {
			t.Errorf("attempt %d waits %v", attempt, got)
		}
	}
	if got := rule.wait(1, time.Minute); got != time.Minute {
		t.Errorf("a demanded minute became %v", got)
	}
	if got := (retryRule{maxWait: time.Second}).wait(1, 0); got != 0 {
		t.Errorf("no base waits %v", got)
	}
}

func TestCanceledWhileWaitingToRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []*http.Response{canned(500, `{}`, nil), canned(200, credential, nil)}}
		c := New("t", WithHTTPClient(&http.Client{Transport: s}), WithRetry(3, 4*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.DeleteSSHCredential(ctx, 1, 7)
		if !errors.Is(err, context.DeadlineExceeded) || !IsOutcomeUnknown(err) || len(s.calls) != 1 {
			t.Errorf("%d calls, err %v", len(s.calls), err)
		}
	})
}

// Once an attempt may have been applied, a later refusal does not make that undone; only a 404 does.
func TestDoubtOutlivesRetries(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		last *http.Response
		want bool
	}{
		"then 401":  {canned(401, `{}`, nil), true},
		"then 403":  {canned(403, `{}`, nil), true},
		"then 404":  {canned(404, `{}`, nil), false},
		"then 422":  {canned(422, `{}`, nil), true},
		"then HTML": {canned(404, `<html>`, nil), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: []*http.Response{nil, tt.last}}
				c := New("t", WithHTTPClient(&http.Client{Transport: s}), WithRetry(2, time.Millisecond))
				if err := c.DeleteSSHCredential(t.Context(), 1, 7); IsOutcomeUnknown(err) != tt.want {
					t.Errorf("unknown %v: %v", !tt.want, err)
				}
			})
		})
	}
}
