package octopus

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/limiter"
)

// The window of Octopus's limit is a minute (its page on rate limiting), so after a 429 that does not say how long
// to wait, a minute is enough.
const (
	usualPause = time.Minute
	maxPause   = 24 * time.Hour
)

// limiting makes the call when the limiter lets it start, and hands over what the answer says of the limit.
func limiting(next handler, l *limiter.Limiter) handler {
	return func(req *http.Request) (rep *reply, err error) {
		canceled := l.Do(req.Context(), func() limiter.Answer {
			if rep, err = next(req); err != nil {
				return limiter.Answer{Lost: !unsent(err)}
			}
			rep.pause = pauseOf(rep)
			return limiter.Answer{Status: rep.status, RetryAfter: rep.pause}
		})
		if canceled != nil {
			return nil, &sendError{err: canceled, unsent: true}
		}
		return rep, err
	}
}

// pauseOf returns how long an answer asks to wait, at most a day, so that an odd value does not stop the client
// for good.
func pauseOf(rep *reply) time.Duration {
	pause := retryAfter(rep.header)
	if pause == 0 && rep.status == http.StatusTooManyRequests {
		return usualPause
	}
	return min(pause, maxPause)
}

// retryAfter reads seconds or an HTTP date, which counts from the answer's own clock. What cannot be read is 0.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(serverTime(h)))
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, maxPause.Seconds()) * float64(time.Second))
}

func serverTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}
