package reconcile

import (
	"context"
	"slices"
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

const (
	// reserveAhead is how long before access ends a part of the target's rate limit is kept
	// for the calls that end it.
	reserveAhead = time.Minute
	// reserveFor is how long it is kept by one sweep, and longer than until the next.
	reserveFor = 10 * time.Second
)

// Reserve keeps a part of each target's rate limit for the removals that fall due soon.
func (e *Engine) Reserve(ctx context.Context) error {
	for _, t := range e.Targets {
		r, ok := t.(access.Reserver)
		if !ok {
			continue
		}
		var soon bool
		err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
			soon, err = tx.RemovalsBy(ctx, t.Name(), e.Now().Add(reserveAhead))
			return err
		})
		if err != nil {
			return err
		}
		if soon {
			r.Reserve(reserveFor)
		}
	}
	return nil
}

// paceOf returns what a target knows of how fast it may be called.
func paceOf(t access.Target) access.Pace {
	if paced, ok := t.(access.Paced); ok {
		return paced.Pace()
	}
	return access.Pace{}
}

// Pace returns how fast work goes on that needs these targets: as fast as the slowest.
func (e *Engine) Pace(targets []string) (slowest access.Pace) {
	for _, t := range e.Targets {
		if !slices.Contains(targets, t.Name()) {
			continue
		}
		pace := paceOf(t)
		slowest.Pause = max(slowest.Pause, pace.Pause)
		if slowest.PerMinute == 0 || pace.PerMinute > 0 && pace.PerMinute < slowest.PerMinute {
			slowest.PerMinute = pace.PerMinute
		}
	}
	return slowest
}

// refuseWhilePaused refuses calls while a target asks to be left alone for long. What ends
// access goes on: the target's limiter lets one such call a minute through.
func refuseWhilePaused(t access.Target, p access.Priority) error {
	pause := paceOf(t).Pause
	if p == access.Removal || pause < longPause {
		return nil
	}
	return &access.Error{Code: access.RateLimited, Op: "wait", Message: t.Title() + " asks me to leave it alone for a while; I go on by myself.", RetryAfter: pause}
}

// PausedUntil returns until when one of these targets asks to be left alone, to the minute,
// and what people call the one that asks for longest; zero when none does, or not for long.
func (e *Engine) PausedUntil(targets []string) (until time.Time, title string) {
	var longest time.Duration
	for _, t := range e.Targets {
		if pause := paceOf(t).Pause; slices.Contains(targets, t.Name()) && pause >= longPause && pause > longest {
			longest, title = pause, t.Title()
		}
	}
	if longest == 0 {
		return time.Time{}, ""
	}
	return e.Now().Add(longest + time.Minute).Truncate(time.Minute), title
}
