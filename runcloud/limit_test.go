package runcloud

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimiterIsSharedByClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(0)
		opts := func(rep *http.Response) []Option {
			return []Option{WithLimiter(l), WithRetry(1, 0), WithHTTPClient(&http.Client{Transport: &script{replies: []*http.Response{rep}}})}
		}
		_ = New("a", opts(canned(429, `{}`, http.Header{"Retry-After": {"9"}}))...).Ping(t.Context())
		begin := time.Now()
		if err := New("a", opts(canned(200, `{}`, nil))...).Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 9*time.Second {
			t.Errorf("the second client waited %v", took)
		}
	})
}

func TestWaitingCallIsCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := scripted(canned(429, `{}`, http.Header{"Retry-After": {"60"}}))
		_ = c.Ping(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.CreateSSHCredential(ctx, 1, SSHCredentialCreateOpts{})
		if !errors.Is(err, context.DeadlineExceeded) || IsOutcomeUnknown(err) {
			t.Errorf("err %v, outcome unknown %v", err, IsOutcomeUnknown(err))
		}
		if s := c.Limiter().State(); s.Waiting != 0 || s.InFlight != 0 {
			t.Errorf("state %+v", s)
		}
	})
}

func TestServiceUnavailablePauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := scripted(canned(503, `{}`, http.Header{"Retry-After": {"20"}}), canned(503, `{}`, nil), canned(200, `{}`, nil))
		if err := c.Ping(t.Context()); RetryAfter(err) != 20*time.Second || IsRateLimited(err) {
			t.Errorf("err %v, retry after %v", err, RetryAfter(err))
		}
		begin := time.Now()
		_ = c.Ping(t.Context())
		if took := time.Since(begin); took < 20*time.Second {
			t.Errorf("waited %v", took)
		}
		begin = time.Now()
		if err := c.Ping(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("a 503 without Retry-After made the next call wait %v; %v", time.Since(begin), err)
		}
	})
}

// stuck never answers.
type stuck struct{}

func (stuck) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestPlaceIsGivenBackAfterTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New("t", WithHTTPClient(&http.Client{Transport: stuck{}}), WithTimeout(3*time.Second), WithRetry(1, 0), WithLimiter(NewLimiter(1)))
		for range 2 {
			begin := time.Now()
			err := c.Ping(t.Context())
			if !errors.Is(err, context.DeadlineExceeded) || !isTemporary(err) || time.Since(begin) != 3*time.Second {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
		}
		if s := c.Limiter().State(); s.InFlight != 0 {
			t.Errorf("state %+v", s)
		}
	})
}

type slowBody struct{ ctx context.Context }

func (b slowBody) Read([]byte) (int, error) { <-b.ctx.Done(); return 0, b.ctx.Err() }
func (slowBody) Close() error               { return nil }

type slowBodies struct{}

func (slowBodies) RoundTrip(req *http.Request) (*http.Response, error) {
	rep := canned(200, "", nil)
	rep.Body = io.NopCloser(slowBody{req.Context()})
	return rep, nil
}

func TestTimeoutCoversBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New("t", WithHTTPClient(&http.Client{Transport: slowBodies{}}), WithTimeout(time.Second), WithRetry(1, 0))
		begin := time.Now()
		err := c.DeleteSSHCredential(t.Context(), 1, 2)
		if !IsOutcomeUnknown(err) || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}
