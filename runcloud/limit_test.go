package runcloud

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/limiter"
)

func TestAnswerOf(t *testing.T) {
	t.Parallel()
	const date = "Mon, 09 Mar 2026 10:00:00 GMT" // 1773050400
	type answer = limiter.Answer
	tests := map[string]struct {
		header map[string]string
		want   answer
	}{
		"nothing":           {nil, answer{}},
		"limit":             {map[string]string{"X-RateLimit-Limit": "120", "X-RateLimit-Remaining": " 7"}, answer{Limit: 120, Remaining: 7}},
		"only a rest":       {map[string]string{"X-RateLimit-Remaining": "7"}, answer{Limit: assumedLimit, Remaining: 7}},
		"only a limit":      {map[string]string{"X-RateLimit-Limit": "120"}, answer{}},
		"garbage":           {map[string]string{"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "-3", "Retry-After": "soon", "X-RateLimit-Reset": "-1"}, answer{}},
		"retry seconds":     {map[string]string{"Retry-After": "30"}, answer{RetryAfter: 30 * time.Second}},
		"retry fraction":    {map[string]string{"Retry-After": "0.5"}, answer{RetryAfter: 500 * time.Millisecond}},
		"retry date":        {map[string]string{"Retry-After": "Mon, 09 Mar 2026 10:00:45 GMT"}, answer{RetryAfter: 45 * time.Second}},
		"retry past":        {map[string]string{"Retry-After": "Mon, 09 Mar 2026 09:00:00 GMT"}, answer{}},
		"retry for ages":    {map[string]string{"Retry-After": "99999999"}, answer{RetryAfter: maxDelay}},
		"retry never":       {map[string]string{"Retry-After": "1e300"}, answer{}},
		"retry NaN":         {map[string]string{"Retry-After": "NaN"}, answer{}},
		"reset epoch":       {map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1773050420"}, answer{Limit: assumedLimit, RetryAfter: 20 * time.Second}},
		"reset epoch in ms": {map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1773050420000"}, answer{Limit: assumedLimit, RetryAfter: 20 * time.Second}},
		"reset seconds":     {map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "20"}, answer{Limit: assumedLimit, RetryAfter: 20 * time.Second}},
		"reset, some left":  {map[string]string{"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "20"}, answer{Limit: assumedLimit, Remaining: 7}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{"Date": {date}}
			for k, v := range tt.header {
				h.Set(k, v)
			}
			tt.want.Status = 200
			if diff := cmp.Diff(tt.want, answerOf(&reply{status: 200, header: h})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefusalPauses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"seconds": {map[string]string{"Retry-After": "30"}, 31 * time.Second},
		"date":    {map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:00:30 GMT"}, 31 * time.Second},
		"reset":   {map[string]string{"X-RateLimit-Reset": "20"}, 21 * time.Second},
		"nothing": {nil, 500 * time.Millisecond},
		"absurd":  {map[string]string{"Retry-After": "99999999"}, maxDelay},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := http.Header{}
				for k, v := range tt.header {
					h.Set(k, v)
				}
				c := scripted(canned(429, `{}`, h), canned(200, `{}`, nil))
				err := c.Ping(t.Context())
				if wait := RetryAfter(err); !IsRateLimited(err) || wait < tt.want-time.Second || wait > tt.want {
					t.Errorf("retry after %v: %v", wait, err)
				}
				begin := time.Now()
				if err := c.Ping(t.Context()); err != nil || time.Since(begin) != tt.want {
					t.Errorf("the next call waited %v, want %v; %v", time.Since(begin), tt.want, err)
				}
			})
		})
	}
}

// Leave that was taken before is used by the first request alone, and by calls through this limiter alone.
func TestLeaveTakenBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := scripted(canned(200, `{}`, nil), canned(200, `{}`, nil))
		ctx, release, err := c.Limiter().Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		for range 2 {
			if err := c.Ping(ctx); err != nil {
				t.Error(err)
			}
		}
		if s := c.Limiter().State(); s.InFlight != 0 || s.Calls != 2 {
			t.Errorf("state %+v", s)
		}
	})
}

func TestLimiterIsSharedByClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
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
		c := New("t", WithHTTPClient(&http.Client{Transport: stuck{}}), WithTimeout(3*time.Second), WithLimiter(limiter.New(1)))
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
		c := New("t", WithHTTPClient(&http.Client{Transport: slowBodies{}}), WithTimeout(time.Second))
		begin := time.Now()
		err := c.DeleteSSHCredential(t.Context(), 1, 2)
		if !IsOutcomeUnknown(err) || time.Since(begin) != time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}
