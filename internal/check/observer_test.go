package check

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// played returns one response after the other.
type played struct {
	answers []http.Response
	bodies  []string // that were sent
}

// RoundTrip implements http.RoundTripper.
func (p *played) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	p.bodies = append(p.bodies, string(body))
	answer := p.answers[min(len(p.bodies), len(p.answers))-1]
	answer.Body = io.NopCloser(strings.NewReader("{}"))
	return &answer, nil
}

func limited(retryAfter string) http.Response {
	return http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {retryAfter}, "Date": {"Mon, 02 Mar 2026 15:04:05 GMT"}}}
}

func TestALimitIsWaitedOut(t *testing.T) {
	t.Parallel()
	fine := http.Response{StatusCode: http.StatusOK}
	for name, c := range map[string]struct {
		answers  []http.Response
		patience time.Duration
		status   int
		calls    int
		waited   time.Duration
	}{
		"at once":       {[]http.Response{fine}, 90 * time.Second, 200, 1, 0},
		"seconds":       {[]http.Response{limited("30"), fine}, 90 * time.Second, 200, 2, 30 * time.Second},
		"a date":        {[]http.Response{limited("Mon, 02 Mar 2026 15:04:15 GMT"), fine}, 90 * time.Second, 200, 2, 10 * time.Second},
		"no time":       {[]http.Response{limited(""), fine}, 90 * time.Second, 200, 2, time.Minute},
		"nonsense":      {[]http.Response{limited("soon"), fine}, 90 * time.Second, 200, 2, time.Minute},
		"too long":      {[]http.Response{limited("91"), fine}, 90 * time.Second, 429, 1, 0},
		"no patience":   {[]http.Response{limited("1"), fine}, 0, 429, 1, 0},
		"for ever":      {[]http.Response{limited("20")}, 90 * time.Second, 429, 3, 40 * time.Second},
		"another fault": {[]http.Response{{StatusCode: 503, Header: http.Header{"Retry-After": {"1"}}}}, 90 * time.Second, 503, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var told []string
				base := &played{answers: c.answers}
				o := Checker{Now: time.Now, Patience: c.patience, Waiting: func(text string) { told = append(told, text) }}.observe("RunCloud")
				o.base = base
				began := time.Now()
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example/", strings.NewReader("hello"))
				if err != nil {
					t.Fatal(err)
				}
				answer, err := o.RoundTrip(request)
				if err != nil || answer.StatusCode != c.status || len(base.bodies) != c.calls || time.Since(began) != c.waited {
					t.Errorf("%v, %v after %d calls and %s", answer, err, len(base.bodies), time.Since(began))
				}
				if _ = answer.Body.Close(); len(told) != c.calls-1 {
					t.Errorf("told: %v", told)
				}
				for _, sent := range base.bodies {
					if sent != "hello" {
						t.Errorf("sent %q", sent)
					}
				}
			})
		})
	}
}

// Ctrl-C ends the wait.
func TestAWaitCanBeEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		o := Checker{Now: time.Now, Patience: time.Minute, Waiting: func(string) {}}.observe("RunCloud")
		o.base = &played{answers: []http.Response{limited("30")}}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://example/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if answer, err := o.RoundTrip(request); err == nil || time.Since(began) != 5*time.Second {
			_ = answer.Body.Close()
			t.Errorf("it ended with %v after %s", err, time.Since(began))
		}
	})
}

// What a service puts into a header is shown only if it can be no secret.
func TestLimitShowsNumbersAlone(t *testing.T) {
	t.Parallel()
	o := Checker{Now: time.Now}.observe("RunCloud")
	o.base = &played{answers: []http.Response{{StatusCode: 200, Header: http.Header{
		"X-Ratelimit-Limit": {"60"}, "Ratelimit-Policy": {"60;w=60"}, "X-Ratelimit-Name": {"eyJ0eXAi_" + strings.Repeat("x", 60)}, "Set-Cookie": {"a=b"},
	}}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := o.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	const want = "The last that RunCloud's answers said: RateLimit-Policy: 60;w=60, X-RateLimit-Limit: 60, X-RateLimit-Name: (69 bytes)."
	if f := o.limit("limit"); f.Text != want || f.Status != Note {
		t.Errorf("it says %+v", f)
	}
}
