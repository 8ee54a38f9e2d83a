package bot

import (
	"context"
	"sync"

	"sshkeybot/internal/access"
)

// maxWorkers is how many people are served at the same time.
const maxWorkers = 64

// crew does jobs: those of one person one after the other, in order, and those of
// different people side by side.
type crew struct {
	slots   chan struct{}
	working sync.WaitGroup

	mu     sync.Mutex
	closed bool
	queues map[access.UserID][]func() // waiting or under way
}

func newCrew() *crew {
	return &crew{slots: make(chan struct{}, maxWorkers), queues: map[access.UserID][]func(){}}
}

// do has the job done and does not wait for it. A closed crew does nothing: what is
// stored is left to the next process.
func (c *crew) do(person access.UserID, job func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.queues[person] = append(c.queues[person], job)
	if len(c.queues[person]) == 1 {
		c.working.Go(func() { c.serve(person) })
	}
}

func (c *crew) serve(person access.UserID) {
	for job := c.first(person); job != nil; job = c.next(person) {
		c.slots <- struct{}{}
		job()
		<-c.slots
	}
}

func (c *crew) first(person access.UserID) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queues[person][0]
}

// next answers the job after the one that is done, and nil when there is none.
func (c *crew) next(person access.UserID) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.queues[person][1:]
	if len(left) == 0 || c.closed {
		delete(c.queues, person)
		return nil
	}
	c.queues[person] = left
	return left[0]
}

// close takes no more jobs, drops those not begun, and waits for the others while
// ctx lasts.
func (c *crew) close(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	finished := make(chan struct{})
	go func() {
		c.working.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
}
