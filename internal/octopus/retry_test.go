package octopus

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyReadsAreRepeated(t *testing.T) {
	t.Parallel()
	long, brief := http.Header{"Retry-After": {"30"}}, http.Header{"Retry-After": {"1"}}
	for name, tt := range map[string]struct {
		first func() *http.Response
		again bool // for a GET
		maybe bool // the outcome of a PUT or POST is unknown
	}{
		"429, short wait":   {func() *http.Response { return canned(429, `{}`, brief) }, true, false},
		"429, long wait":    {func() *http.Response { return canned(429, `{}`, long) }, false, false},
		"429, no wait":      {func() *http.Response { return canned(429, `{}`, nil) }, false, false},
		"429 empty":         {func() *http.Response { return canned(429, ``, brief) }, true, false},
		"500":               {func() *http.Response { return canned(500, `{}`, nil) }, true, true},
		"502 HTML":          {func() *http.Response { return canned(502, `<html>`, nil) }, true, true},
		"503, long wait":    {func() *http.Response { return canned(503, `{}`, long) }, false, true},
		"cut":               {func() *http.Response { return nil }, true, true},
		"200 HTML":          {func() *http.Response { return canned(200, `<html>`, nil) }, true, true},
		"200 empty":         {func() *http.Response { return canned(200, ``, nil) }, true, true},
		"200 cut off":       {func() *http.Response { return canned(200, `{"Id":"Acc`, nil) }, true, true},
		"200 of another":    {func() *http.Response { return canned(200, `{}`, nil) }, false, true},
		"200 list":          {func() *http.Response { return canned(200, `[]`, nil) }, false, true},
		"404 HTML":          {func() *http.Response { return canned(404, `<html>`, nil) }, true, true},
		"408 HTML":          {func() *http.Response { return canned(408, `<html>`, nil) }, true, true},
		"401":               {func() *http.Response { return canned(401, `{}`, nil) }, false, false},
		"401 HTML":          {func() *http.Response { return canned(401, `<html>`, nil) }, false, false},
		"403":               {func() *http.Response { return canned(403, `{}`, nil) }, false, false},
		"404":               {func() *http.Response { return canned(404, `{}`, nil) }, false, false},
		"400":               {func() *http.Response { return canned(400, `{}`, nil) }, false, false},
		"409":               {func() *http.Response { return canned(409, `{}`, nil) }, false, false},
		"302 to a sign in":  {func() *http.Response { return canned(302, `<html>`, http.Header{"Location": {"/login"}}) }, false, true},
		"503 maintenance":   {func() *http.Response { return canned(503, `<html>`, nil) }, true, true},
		"405 not this verb": {func() *http.Response { return canned(405, `{}`, nil) }, false, false},
	} {
		for verb, do := range verbs {
			t.Run(verb+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &script{replies: []*http.Response{tt.first(), canned(200, `{"Id":"Accounts-1"}`, nil)}}
					c := New("http://octopus.example", "k", WithHTTPClient(&http.Client{Transport: s}))
					err := do(t.Context(), c)
					if again := len(s.calls) == 2; again != (tt.again && verb == "GET") || again != (err == nil) {
						t.Errorf("%d calls, err %v", len(s.calls), err)
					}
					if got := IsOutcomeUnknown(err); got != (tt.maybe && verb != "GET") {
						t.Errorf("outcome unknown %v, err %v", got, err)
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
		c := New("http://octopus.example", "k", WithHTTPClient(&http.Client{Transport: s}), WithRetry(4, time.Second))
		begin := time.Now()
		_, err := c.Server(t.Context())
		if !errors.Is(err, errCut) || len(s.calls) != 4 {
			t.Errorf("%d calls, err %v", len(s.calls), err)
		}
		// 1, 2 and 4 seconds, each with a jitter of half.
		if took := time.Since(begin); took < 3500*time.Millisecond || took > 10500*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestCanceledWhileWaitingToRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []*http.Response{canned(500, `{}`, nil)}}
		c := New("http://octopus.example", "k", WithHTTPClient(&http.Client{Transport: s}), WithRetry(3, 4*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Server(ctx); !errors.Is(err, context.DeadlineExceeded) || len(s.calls) != 1 {
			t.Errorf("%d calls, err %v", len(s.calls), err)
		}
	})
}

func TestUnsentIsNotUnknown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for verb, do := range verbs {
		if err := do(ctx, scripted()); !errors.Is(err, context.Canceled) || IsOutcomeUnknown(err) {
			t.Errorf("%s: %v", verb, err)
		}
		nowhere := New("http://127.0.0.1:1", "k", WithRetry(1, 0))
		if err := do(t.Context(), nowhere); err == nil || IsOutcomeUnknown(err) {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

// stuck never answers.
type stuck struct{}

func (stuck) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	for verb, do := range verbs {
		synctest.Test(t, func(t *testing.T) {
			c := New("http://octopus.example", "k", WithHTTPClient(&http.Client{Transport: stuck{}}), WithTimeout(3*time.Second), WithRetry(1, 0))
			begin := time.Now()
			err := do(t.Context(), c)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 3*time.Second || IsOutcomeUnknown(err) != (verb != "GET") {
				t.Errorf("%s after %v: %v", verb, time.Since(begin), err)
			}
			if s := c.Limiter().State(); s.InFlight != 0 {
				t.Errorf("state %+v", s)
			}
		})
	}
}
