package reconcile

import (
	"time"

	"sshkeybot/internal/access"
)

const (
	// longPause is from when on a target that asks for patience is no longer waited for,
	// but put off.
	longPause = time.Minute
	// probeEvery is how often what ends access tries a target that asks for patience.
	probeEvery = time.Minute
)

// Pace returns what the target knows of how fast it may be called.
func (e *Engine) Pace() access.Pace {
	if paced, ok := e.Target.(access.Paced); ok {
		return paced.Pace()
	}
	return access.Pace{}
}

// refuseWhilePaused refuses calls while the target asks to be left alone for long. What ends
// access goes on: the target's limiter lets one such call a minute through.
func (e *Engine) refuseWhilePaused(p access.Priority) error {
	pause := e.Pace().Pause
	if p == access.Removal || pause < longPause {
		return nil
	}
	return &access.Error{Code: access.RateLimited, Op: "wait", Message: "RunCloud asks me to leave it alone for a while; I go on by myself.", RetryAfter: pause}
}

// PausedUntil returns until when the target asks to be left alone, to the minute; zero
// when it does not, or not for long.
func (e *Engine) PausedUntil(p access.Pace) time.Time {
	if p.Pause < longPause {
		return time.Time{}
	}
	return e.Now().Add(p.Pause + time.Minute).Truncate(time.Minute)
}
