package main

import (
	"sync/atomic"
	"time"

	"sshkeybot/internal/clock"
)

// jumpClock is the real one, ahead by as much as a test has had it jump.
type jumpClock struct{ ahead atomic.Int64 }

func (c *jumpClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *jumpClock) jump(d time.Duration) { c.ahead.Add(int64(d)) }

// reach jumps to a moment.
func (c *jumpClock) reach(when time.Time) { c.jump(when.Sub(c.now())) }

// clocks are those of a machine: one that shows true time but for how far it was set ahead,
// and one that counts true time since the machine started.
type clocks struct {
	truth func() time.Time
	ahead atomic.Int64

	started time.Time
}

// rightClocks show what truth is.
func rightClocks(truth func() time.Time) *clocks {
	return &clocks{truth: truth, started: truth().Round(0)}
}

func (c *clocks) now() time.Time { return c.truth().Round(0).Add(time.Duration(c.ahead.Load())) }

func (c *clocks) jump(d time.Duration) { c.ahead.Add(int64(d)) }

func (c *clocks) read() clock.Reading {
	return clock.Reading{Wall: c.now(), Up: c.truth().Round(0).Sub(c.started), Boot: "first"}
}
