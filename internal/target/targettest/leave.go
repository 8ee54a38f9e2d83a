package targettest

import (
	"context"
	"errors"
	"slices"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
)

// leave is an Acquire under way, or what came of it.
type leave struct {
	priority access.Priority
	cancel   context.CancelFunc
	done     chan struct{}
	call     context.Context
	release  func()
	err      error
}

// acquire asks for leave to make a call, and returns when that is granted or has to wait.
func (c *trial) acquire(p access.Priority) *leave {
	ctx, cancel := context.WithCancel(c.Context())
	l := &leave{priority: p, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.call, l.release, l.err = c.Target.Acquire(ctx, p)
	}()
	synctest.Wait()
	return l
}

// returned reports whether the Acquire has returned by now.
func (l *leave) returned() bool {
	synctest.Wait()
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// exhaust acquires leave for as many calls as may be made now. It returns them, and the one
// that has to wait, or nil where none ever has to.
func (c *trial) exhaust() (granted []*leave, waiting *leave) {
	c.Helper()
	for range 1000 {
		l := c.acquire(access.Removal)
		if !l.returned() {
			return granted, l
		}
		if l.err != nil {
			c.Errorf("Acquire: %v", l.err)
			return granted, nil
		}
		granted = append(granted, l)
	}
	return granted, nil
}

// limited is exhaust for a target whose calls wait for each other, and reports one whose
// calls do not though they should, or the reverse.
func (c *trial) limited() (granted []*leave, waiting *leave, ok bool) {
	c.Helper()
	granted, waiting = c.exhaust()
	if (waiting != nil) != c.Limited {
		c.Errorf("calls wait for each other: %v, want %v", waiting != nil, c.Limited)
	}
	if waiting == nil {
		giveBack(granted...)
	}
	return granted, waiting, waiting != nil && len(granted) > 0
}

// served waits for leave that nothing holds up any more, and gives it back.
func (c *trial) served(leaves ...*leave) {
	c.Helper()
	for _, l := range leaves {
		select {
		case <-l.done:
			giveBack(l)
		case <-time.After(settled):
			c.Errorf("all leave was given back, and a call still waits")
		}
	}
}

func giveBack(leaves ...*leave) {
	for _, l := range leaves {
		l.release()
	}
}

// leaveForOneCall makes two calls with leave for one: the second waits like any other.
func (c *trial) leaveForOneCall() {
	granted, waiting, ok := c.limited()
	if !ok {
		return
	}
	list := func() chan error {
		done := make(chan error, 1)
		go func() {
			_, err := c.Target.List(granted[0].call, c.place)
			done <- err
		}()
		synctest.Wait()
		return done
	}
	first := list()
	if len(first) == 0 {
		c.Errorf("a call that has leave waits")
		return
	}
	c.ok("List", <-first)
	second := list()
	if len(second) > 0 {
		c.Errorf("leave for one call does for two")
	}
	giveBack(granted...)
	c.served(waiting)
	select {
	case err := <-second:
		c.ok("List", err)
	case <-time.After(settled):
		c.Errorf("the second call is never made")
	}
}

// leaveGivenBack gives one leave back twice, which makes room for one call.
func (c *trial) leaveGivenBack() {
	granted, waiting, ok := c.limited()
	if !ok {
		return
	}
	next := c.acquire(access.Removal)
	granted[0].release()
	granted[0].release()
	if waiting.returned() && next.returned() {
		c.Errorf("one leave that was given back twice was granted twice")
	}
	giveBack(granted...)
	c.served(waiting, next)
}

// leaveCancelled gives up waiting: at once, and as if that had not been.
func (c *trial) leaveCancelled() {
	over, cancel := context.WithCancel(c.Context())
	cancel()
	if _, _, err := c.Target.Acquire(over, access.Removal); !errors.Is(err, context.Canceled) {
		c.Errorf("Acquire for nobody: %v", err)
	}
	granted, waiting, ok := c.limited()
	if !ok {
		return
	}
	waiting.cancel()
	if !waiting.returned() || !errors.Is(waiting.err, context.Canceled) {
		c.Errorf("Acquire waits though nobody does, or returned %v", waiting.err)
		giveBack(granted...)
		return
	}
	last := c.acquire(access.Removal)
	granted[0].release() // who is served when it gives up leaves no trace either
	last.cancel()
	if last.returned() && last.err == nil {
		giveBack(last)
	}
	giveBack(granted...)
	time.Sleep(settled)
	again, next := c.exhaust()
	if len(again) != len(granted) {
		c.Errorf("leave for %d calls at once, and %d after some gave up waiting", len(granted), len(again))
	}
	giveBack(again...)
	if next != nil {
		c.served(next)
	}
}

// leaveByPriority has calls of all priorities wait, the most urgent for the shortest time.
func (c *trial) leaveByPriority() {
	granted, first, ok := c.limited()
	if !ok {
		return
	}
	waiting := []*leave{first}
	for _, p := range []access.Priority{access.Reading, access.Addition, access.Renewal, access.Removal} {
		waiting = slices.Insert(waiting, 1, c.acquire(p)) // so that the most urgent are looked at first
	}
	var served []access.Priority
	for deadline := time.Now().Add(settled); len(waiting) > 0 && time.Now().Before(deadline); {
		if len(granted) == 0 {
			time.Sleep(time.Second)
		} else {
			giveBack(granted[0])
			granted = granted[1:]
		}
		waiting = slices.DeleteFunc(waiting, func(l *leave) bool {
			if !l.returned() {
				return false
			}
			served, granted = append(served, l.priority), append(granted, l)
			return true
		})
	}
	giveBack(granted...)
	want := []access.Priority{access.Removal, access.Removal, access.Renewal, access.Addition, access.Reading}
	if !slices.Equal(served, want) {
		c.Errorf("served in the order %v, want %v", served, want)
	}
}
