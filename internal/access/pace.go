package access

import "time"

const (
	// longPause is from when on a target that asks for patience is no longer waited for,
	// but put off.
	longPause = time.Minute
	// probeEvery is how often what ends access tries a target that asks for patience.
	probeEvery = time.Minute
)

// pace returns what the target knows of how fast it may be called.
func (s *Service) pace() Pace {
	if paced, ok := s.Target.(Paced); ok {
		return paced.Pace()
	}
	return Pace{}
}

// patience refuses calls while the target asks to be left alone for long. What ends
// access goes on: the target's limiter lets one such call a minute through.
func (s *Service) patience(p Priority) error {
	pause := s.pace().Pause
	if p == Removal || pause < longPause {
		return nil
	}
	return &Error{Code: RateLimited, Op: "wait", Message: "RunCloud asks me to leave it alone for a while; I go on by myself.", RetryAfter: pause}
}

// pausedUntil returns until when the target asks to be left alone, to the minute; zero
// when it does not, or not for long.
func (s *Service) pausedUntil(p Pace) time.Time {
	if p.Pause < longPause {
		return time.Time{}
	}
	return s.Now().Add(p.Pause + time.Minute).Truncate(time.Minute)
}
