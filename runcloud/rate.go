package runcloud

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rate is what an answer says about the limit; -1 is unknown.
type rate struct {
	limit, remaining int
	retryAfter       time.Duration
	reset            time.Duration // until the budget is full again
}

func noRate() rate { return rate{-1, -1, -1, -1} }

// outcome is what the limiter learns of a call that ended.
type outcome struct {
	status  int  // 0: no answer
	counted bool // RunCloud may have counted it against the limit
	rate
}

// outcomeOf reads an answer. X-RateLimit-Limit and -Remaining are documented (RunCloud API v2 intro
// page); Retry-After and X-RateLimit-Reset are used if they are there.
func outcomeOf(rep *reply) outcome {
	h, now := rep.header, serverTime(rep.header)
	return outcome{
		status:  rep.status,
		counted: rep.status != http.StatusTooManyRequests,
		rate: rate{
			limit:      count(h.Get("X-RateLimit-Limit")),
			remaining:  count(h.Get("X-RateLimit-Remaining")),
			retryAfter: delay(h.Get("Retry-After"), now),
			reset:      delay(h.Get("X-RateLimit-Reset"), now),
		},
	}
}

// refused tells that RunCloud wants no more calls for a while.
func (o outcome) refused() bool {
	return o.status == http.StatusTooManyRequests || o.status == http.StatusServiceUnavailable && o.retryAfter >= 0
}

// serverTime is the answer's own clock, so that a wrong clock on either side does no harm.
func serverTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

func count(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// epoch parts seconds to wait from seconds since 1970.
const epoch = 1_000_000_000

// delay reads seconds, a Unix time or an HTTP date. It is bounded: an odd value must not stop the
// client for good.
func delay(s string, now time.Time) time.Duration {
	s = strings.TrimSpace(s)
	if t, err := http.ParseTime(s); err == nil {
		return bounded(t.Sub(now))
	}
	seconds, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || seconds != seconds || seconds < 0 || seconds > 1e15:
		return -1
	case seconds >= epoch*1000: // milliseconds
		return bounded(time.UnixMilli(int64(seconds)).Sub(now))
	case seconds >= epoch:
		return bounded(time.Unix(int64(seconds), 0).Sub(now))
	}
	return bounded(time.Duration(min(seconds, maxPause.Seconds()) * float64(time.Second)))
}

func bounded(d time.Duration) time.Duration { return min(max(d, 0), maxPause) }
