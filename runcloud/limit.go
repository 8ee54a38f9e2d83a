package runcloud

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/limiter"
)

// limiting makes the call when the limiter lets it start, and hands over what the answer says of the
// limit.
func limiting(next handler, l *limiter.Limiter) handler {
	return func(req *http.Request) (rep *reply, err error) {
		var said limiter.Answer
		canceled := l.Do(req.Context(), func() limiter.Answer {
			if rep, err = next(req); err != nil {
				said.Lost = !unsent(err)
			} else {
				said = answerOf(rep)
			}
			return said
		})
		if canceled != nil {
			return nil, &sendError{err: canceled, unsent: true}
		}
		if err != nil {
			return nil, err
		}
		if rep.pause = said.RetryAfter; rep.status == http.StatusTooManyRequests && rep.pause == 0 {
			rep.pause = l.State().Pause
		}
		return rep, nil
	}
}

func unsent(err error) bool {
	var s *sendError
	return errors.As(err, &s) && s.unsent
}

// assumedLimit is taken for the calls a minute where an answer says only how many are left.
const assumedLimit = 60

// answerOf reads what an answer says. X-RateLimit-Limit and -Remaining are documented (RunCloud API v2
// intro page); Retry-After and X-RateLimit-Reset are used if they are there.
func answerOf(rep *reply) limiter.Answer {
	h, now := rep.header, serverTime(rep.header)
	a := limiter.Answer{
		Status:     rep.status,
		RetryAfter: delay(h.Get("Retry-After"), now),
	}
	if left, err := strconv.ParseUint(strings.TrimSpace(h.Get("X-RateLimit-Remaining")), 10, 31); err == nil {
		a.Limit, a.Remaining = assumedLimit, int(left)
		if limit, err := strconv.ParseUint(strings.TrimSpace(h.Get("X-RateLimit-Limit")), 10, 31); err == nil && limit > 0 {
			a.Limit = int(limit)
		}
	}
	if rep.status == http.StatusTooManyRequests || a.Limit > 0 && a.Remaining == 0 {
		a.RetryAfter = max(a.RetryAfter, delay(h.Get("X-RateLimit-Reset"), now))
	}
	return a
}

// serverTime returns the time by the answer's own clock, so that a wrong clock on either side does no harm.
func serverTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

const (
	epoch    = 1_000_000_000 // seconds from which on a number is a time since 1970 and not a wait
	maxDelay = 24 * time.Hour
)

// delay reads seconds, a Unix time or an HTTP date. What cannot be read is 0, and an odd value is bounded:
// it must not stop the client for good.
func delay(s string, now time.Time) time.Duration {
	s = strings.TrimSpace(s)
	if t, err := http.ParseTime(s); err == nil {
		return bounded(t.Sub(now))
	}
	seconds, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || seconds != seconds || seconds < 0 || seconds > 1e15:
		return 0
	case seconds >= epoch*1000: // milliseconds
		return bounded(time.UnixMilli(int64(seconds)).Sub(now))
	case seconds >= epoch:
		return bounded(time.Unix(int64(seconds), 0).Sub(now))
	}
	return bounded(time.Duration(min(seconds, maxDelay.Seconds()) * float64(time.Second)))
}

func bounded(d time.Duration) time.Duration { return min(max(d, 0), maxDelay) }
