package octopussim

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.SetRateLimit(2)
		get := func() *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/api", nil)
			s.ServeHTTP(w, r)
			return w
		}
		for _, remaining := range []string{"remaining=1", "remaining=0"} {
			if w := get(); w.Code != 200 || w.Header().Get("Octopus-RateLimit") != remaining || w.Header().Get("Octopus-RateLimit-Policy") != "2;w=60" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		}
		time.Sleep(10500 * time.Millisecond)
		if w := get(); w.Code != 429 || w.Header().Get("Retry-After") != "50" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		time.Sleep(50 * time.Second)
		if w := get(); w.Code != 200 {
			t.Errorf("after the window: %d", w.Code)
		}
		s.SetRateLimit(0)
		for range 5 {
			if w := get(); w.Code != 200 || w.Header().Get("Octopus-RateLimit") != "" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		}
	})
}
