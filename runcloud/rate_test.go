package runcloud

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	const date = "Mon, 09 Mar 2026 10:00:00 GMT" // 1773050400
	tests := map[string]struct {
		header map[string]string
		want   rate
	}{
		"nothing":           {nil, noRate()},
		"limit":             {map[string]string{"X-RateLimit-Limit": "120", "X-RateLimit-Remaining": " 7"}, rate{120, 7, -1, -1}},
		"garbage":           {map[string]string{"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "-3", "Retry-After": "soon", "X-RateLimit-Reset": "-1"}, noRate()},
		"retry seconds":     {map[string]string{"Retry-After": "30"}, rate{-1, -1, 30 * time.Second, -1}},
		"retry fraction":    {map[string]string{"Retry-After": "0.5"}, rate{-1, -1, 500 * time.Millisecond, -1}},
		"retry date":        {map[string]string{"Retry-After": "Mon, 09 Mar 2026 10:00:45 GMT"}, rate{-1, -1, 45 * time.Second, -1}},
		"retry past":        {map[string]string{"Retry-After": "Mon, 09 Mar 2026 09:00:00 GMT"}, rate{-1, -1, 0, -1}},
		"retry for ages":    {map[string]string{"Retry-After": "99999999"}, rate{-1, -1, maxPause, -1}},
		"retry never":       {map[string]string{"Retry-After": "1e300"}, noRate()},
		"retry NaN":         {map[string]string{"Retry-After": "NaN"}, noRate()},
		"reset epoch":       {map[string]string{"X-RateLimit-Reset": "1773050420"}, rate{-1, -1, -1, 20 * time.Second}},
		"reset epoch in ms": {map[string]string{"X-RateLimit-Reset": "1773050420000"}, rate{-1, -1, -1, 20 * time.Second}},
		"reset seconds":     {map[string]string{"X-RateLimit-Reset": "20"}, rate{-1, -1, -1, 20 * time.Second}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{"Date": {date}}
			for k, v := range tt.header {
				h.Set(k, v)
			}
			got := outcomeOf(&reply{status: 200, header: h})
			if diff := cmp.Diff(tt.want, got.rate, cmp.AllowUnexported(rate{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		header string
		want   bool
	}{{200, "", false}, {429, "", true}, {429, "3", true}, {503, "", false}, {503, "3", true}, {500, "3", false}} {
		got := outcomeOf(&reply{status: tt.status, header: http.Header{"Retry-After": {tt.header}}})
		if got.refused() != tt.want || got.counted != (tt.status != 429) {
			t.Errorf("%d, Retry-After %q: %+v", tt.status, tt.header, got)
		}
	}
}
