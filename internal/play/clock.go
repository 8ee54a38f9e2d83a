package play

import (
	"sync/atomic"
	"time"

	"sshkeybot/internal/clock"
)

// Clock is the time of the bot and of everything that is played. It runs as the machine's does, and can
// be moved forward: wall clock and steady clock together, as if that time had passed.
type Clock struct {
	began time.Time
	ahead atomic.Int64
}

// NewClock returns a clock that shows the machine's time of so long ago.
func NewClock(ago time.Duration) *Clock {
	c := &Clock{}
	c.Move(-ago)
	c.began = c.Now().Round(0)
	return c
}

// Now returns the time.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead()) }

// Ahead returns how far the clock was moved.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// Move moves the clock forward.
func (c *Clock) Move(d time.Duration) { c.ahead.Add(int64(d)) }

// Read returns what the clocks of a machine show at that time.
func (c *Clock) Read() clock.Reading {
	wall := c.Now().Round(0)
	return clock.Reading{Wall: wall, Up: wall.Sub(c.began), Boot: "played"}
}
