package bot

import (
	"context"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

const (
	maxWorkers = 64 // people who are served at the same time
	jobLimit   = time.Minute
)

// crew does jobs: those of one person one after the other, in order, and those of
// different people side by side.
type crew struct {
	life    context.Context // of the jobs
	end     context.CancelFunc
	slots   chan struct{}
	working sync.WaitGroup

	mu     sync.Mutex
	closed bool
	queues map[access.UserID][]job // waiting or under way
}

// job is something to do while its context lasts.
type job func(context.Context)

func newCrew() *crew {
	c := &crew{slots: make(chan struct{}, maxWorkers), queues: map[access.UserID][]job{}}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// do has the job done and does not wait for it. A closed crew does nothing: what is
// stored is left to the next process.
func (c *crew) do(person access.UserID, j job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.queues[person] = append(c.queues[person], j)
	if len(c.queues[person]) == 1 {
		c.working.Go(func() { c.serve(person) })
	}
}

func (c *crew) serve(person access.UserID) {
	for j := c.first(person); j != nil; j = c.next(person) {
		c.work(j)
	}
}

func (c *crew) work(j job) {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	ctx, cancel := context.WithTimeout(c.life, jobLimit)
	defer cancel()
	j(ctx)
}

func (c *crew) first(person access.UserID) job {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queues[person][0]
}

// next answers the job after the one that is done, and nil when there is none.
func (c *crew) next(person access.UserID) job {
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

// close takes no more jobs, drops those not begun, and lets the others finish while
// ctx lasts. Then it ends their contexts, and waits until they have noticed.
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
	c.end()
	<-finished
}
