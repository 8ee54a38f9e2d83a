package octopussim

import (
	"fmt"
	"time"
)

// window is that of Octopus's rate limit (its page on rate limiting).
const window = time.Minute

type limit struct {
	most, taken int
	ends        time.Time // of the window
}

// SetRateLimit allows n calls a minute from now on, of whatever sort; 0 lifts the limit, which is how servers before
// 2026.3 are. Over it calls are answered with 429 and Retry-After. The headers Octopus-RateLimit and
// Octopus-RateLimit-Policy are known by name only, so no client may need what is in them.
func (s *Server) SetRateLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = nil
	if n > 0 {
		s.limit = &limit{most: n}
	}
}

// take counts a call; the headers go into whatever the answer will be.
func (l *limit) take() (headers map[string]string, refusal *answer) {
	now := time.Now()
	if !now.Before(l.ends) {
		l.ends, l.taken = now.Add(window), 0
	}
	headers = map[string]string{
		"Octopus-RateLimit-Policy": fmt.Sprintf("%d;w=60", l.most),
		"Octopus-RateLimit":        fmt.Sprintf("remaining=%d", max(0, l.most-l.taken-1)),
	}
	if l.taken >= l.most {
		ans := tooMany(l.ends.Sub(now))
		return headers, &ans
	}
	l.taken++
	return headers, nil
}
