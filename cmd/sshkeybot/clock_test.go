package main

import (
	"sync/atomic"
	"time"

	"sshkeybot/internal/clock"
)

// jumpClock is the real clock, ahead by as much as a test has made it jump.
type jumpClock struct{ ahead atomic.Int64 }

func (c *jumpClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *jumpClock) jump(d time.Duration) { c.ahead.Add(int64(d)) }

// reach makes the clock jump to a moment.
func (c *jumpClock) reach(when time.Time) { c.jump(when.Sub(c.now())) }

// clocks are the clocks of a machine: a wall clock, which may be ahead of the true time, and a
// count of the true time since the machine started.
type clocks struct {
	truth func() time.Time
	ahead atomic.Int64

	started time.Time
}

// rightClocks returns clocks that show the true time.
func rightClocks(truth func() time.Time) *clocks {
	return &clocks{truth: truth, started: truth().Round(0)}
}

func (c *clocks) now() time.Time { return c.truth().Round(0).Add(time.Duration(c.ahead.Load())) }

func (c *clocks) jump(d time.Duration) { c.ahead.Add(int64(d)) }

func (c *clocks) read() clock.Reading {
	return clock.Reading{Wall: c.now(), Up: c.truth().Round(0).Sub(c.started), Boot: "first"}
}
