package octopus

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/limiter"
)

func TestRefusalPauses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		after  string
		want   time.Duration
	}{
		"seconds":              {429, "30", 30 * time.Second},
		"date":                 {429, "Sat, 01 Jan 2000 00:00:30 GMT", 30 * time.Second},
		"a date past":          {429, "Fri, 31 Dec 1999 00:00:00 GMT", usualPause},
		"nothing":              {429, "", usualPause},
		"nonsense":             {429, "soon", usualPause},
		"negative":             {429, "-5", usualPause},
		"absurd":               {429, "1e300", maxPause},
		"unavailable":          {503, "20", 20 * time.Second},
		"unavailable, no word": {503, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := http.Header{}
				if tt.after != "" {
					h.Set("Retry-After", tt.after)
				}
				c := scripted(canned(tt.status, `{}`, h), canned(200, `{"Version":"1"}`, nil))
				_, err := c.Server(t.Context())
				if RetryAfter(err) != tt.want || IsRateLimited(err) != (tt.status == 429) {
					t.Errorf("retry after %v: %v", RetryAfter(err), err)
				}
				begin := time.Now()
				_, err = c.Server(t.Context())
				if took := time.Since(begin); err != nil || took < tt.want || took > tt.want+time.Second {
					t.Errorf("the next call waited %v, want %v; %v", took, tt.want, err)
				}
			})
		})
	}
}

func TestLimiterIsSharedByClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		client := func(rep *http.Response) *Client {
			hc := &http.Client{Transport: &script{replies: []*http.Response{rep}}}
			return New("http://octopus.example", "k", WithLimiter(l), WithRetry(1, 0), WithHTTPClient(hc))
		}
		_, _ = client(canned(429, `{}`, http.Header{"Retry-After": {"9"}})).Server(t.Context())
		begin := time.Now()
		if _, err := client(canned(200, `{"Version":"1"}`, nil)).Server(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 9*time.Second {
			t.Errorf("the second client waited %v", took)
		}
	})
}
