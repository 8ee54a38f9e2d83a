package main

import (
	"sync"
	"sync/atomic"
	"time"

	"sshkeybot/internal/access"
)

// clock is the real one, ahead by as much as a test has had it jump.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) jump(d time.Duration) { c.ahead.Add(int64(d)) }

// reach jumps to a moment.
func (c *clock) reach(when time.Time) { c.jump(when.Sub(c.now())) }

// clocks are those of a machine: one that shows true time but for how far it was set ahead,
// and one that counts true time since the machine started.
type clocks struct {
	truth func() time.Time
	ahead atomic.Int64

	mu      sync.Mutex
	boot    string
	started time.Time
}

// rightClocks show what truth is.
func rightClocks(truth func() time.Time) *clocks {
	return &clocks{truth: truth, boot: "first", started: truth().Round(0)}
}

func (c *clocks) now() time.Time { return c.truth().Round(0).Add(time.Duration(c.ahead.Load())) }

func (c *clocks) jump(d time.Duration) { c.ahead.Add(int64(d)) }

// reboot has the machine start anew.
func (c *clocks) reboot() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boot, c.started = c.boot+" again", c.truth().Round(0)
}

func (c *clocks) read() access.ClockReading {
	c.mu.Lock()
	defer c.mu.Unlock()
	return access.ClockReading{Wall: c.now(), Up: c.truth().Round(0).Sub(c.started), Boot: c.boot}
}
