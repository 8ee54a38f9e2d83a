package runcloudsim

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRateLimitHeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	if r := b.get("/ping"); r.header.Get("X-RateLimit-Limit") != "" {
		t.Error("headers without a limit")
	}
	b.SetRateLimit(2, LimitOptions{RetryAfter: true, ResetHeader: true})
	for _, left := range []string{"1", "0"} {
		r := b.want("GET", "/ping", nil, 200, "pong")
		if r.header.Get("X-RateLimit-Limit") != "2" || r.header.Get("X-RateLimit-Remaining") != left {
			t.Errorf("want %s left: %v", left, r.header)
		}
	}
	r := b.want("GET", "/ping", nil, 429, `{"message":"Too Many Attempts."}`)
	wait, err := time.ParseDuration(r.header.Get("Retry-After") + "s")
	if err != nil || wait < 50*time.Second || wait > time.Minute {
		t.Errorf("Retry-After %v %v", wait, err)
	}
	if r.header.Get("X-RateLimit-Remaining") != "0" || len(r.header.Get("X-RateLimit-Reset")) != 10 {
		t.Errorf("headers of a 429: %v", r.header)
	}
	b.SetRateLimit(1, LimitOptions{})
	b.want("GET", "/ping", nil, 200, "")
	r = b.want("GET", "/ping", nil, 429, "")
	if r.header.Get("Retry-After") != "" || r.header.Get("X-RateLimit-Reset") != "" {
		t.Errorf("unasked headers: %v", r.header)
	}
	if b.Count429() != 2 {
		t.Errorf("%d answers of 429", b.Count429())
	}
	b.SetRateLimit(0, LimitOptions{})
	b.want("GET", "/ping", nil, 200, "")
}

func TestRateLimitWindows(t *testing.T) {
	t.Parallel()
	// Three calls a minute; which of the calls at these seconds come through?
	at := []int{0, 40, 50, 55, 61, 62, 63, 99, 101, 121}
	for _, sliding := range []bool{false, true} {
		want := []bool{true, true, true, false, true, true, true, false, false, true}
		if sliding {
			want = []bool{true, true, true, false, true, false, false, false, true, true}
		}
		l := &limiter{LimitOptions: LimitOptions{Window: time.Minute, Sliding: sliding}, max: 3}
		var got []bool
		for _, s := range at {
			_, wait := l.take(start.Add(time.Duration(s) * time.Second))
			got = append(got, wait == 0)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sliding %v (-want +got):\n%s", sliding, diff)
		}
	}
}

// A bucket of three that takes twelve calls a minute.
func TestRateLimitBucket(t *testing.T) {
	t.Parallel()
	l := &limiter{LimitOptions: LimitOptions{Window: time.Minute, Burst: 3}, max: 12}
	type take struct {
		at, left int
		wait     time.Duration
	}
	var got []take
	for _, s := range []int{0, 0, 1, 1, 4, 5, 9, 100, 100} {
		left, wait := l.take(start.Add(time.Duration(s) * time.Second))
		got = append(got, take{s, left, wait})
	}
	want := []take{
		{0, 2, 0}, {0, 1, 0}, {1, 0, 0}, {1, 0, 4 * time.Second}, {4, 0, time.Second},
		{5, 0, 0}, {9, 0, time.Second}, {100, 2, 0}, {100, 1, 0},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(take{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRateLimitWithoutHeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.SetRateLimit(1, LimitOptions{NoHeaders: true})
	for _, status := range []int{200, 429} {
		if r := b.want("GET", "/ping", nil, status, ""); r.header.Get("X-RateLimit-Limit")+r.header.Get("X-RateLimit-Remaining") != "" {
			t.Errorf("headers of a %d: %v", status, r.header)
		}
	}
}

func TestRateLimitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		a.SetRateLimit(1, LimitOptions{Window: 300 * time.Millisecond, RetryAfter: true, ResetHeader: true})
		r := request{op: OpPing, path: apiPrefix + "/ping", token: DefaultToken}
		for i, want := range []bool{true, false} {
			if _, refusal := a.admit(r); (refusal == nil) != want {
				t.Errorf("call %d", i)
			}
		}
		headers, refusal := a.admit(r)
		if headers["X-RateLimit-Reset"] != strconv.FormatInt(time.Now().Unix()+1, 10) {
			t.Errorf("part of a second must round up: %v", headers)
		}
		if refusal.header["Retry-After"] != "1" {
			t.Errorf("part of a second must round up: %v", refusal.header)
		}
		time.Sleep(300 * time.Millisecond)
		if _, refusal := a.admit(r); refusal != nil {
			t.Error("the window should be over")
		}
	})
}

func TestQuota(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.SetQuota(1, 0)
	b.want("GET", "/ping", nil, 200, "")
	b.want("GET", "/ping", nil, 429, "API usage limit exceeded.")
	b.SetQuota(0, 403)
	b.want("GET", "/ping", nil, 403, "API usage limit exceeded.")
	b.SetQuota(-1, 0)
	b.want("GET", "/ping", nil, 200, "")
}
