package main

import (
	"sync/atomic"
	"time"
)

// clock is the real one, ahead by as much as a test has had it jump.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) jump(d time.Duration) { c.ahead.Add(int64(d)) }

// reach jumps to a moment.
func (c *clock) reach(when time.Time) { c.jump(when.Sub(c.now())) }
