package bot

import (
	"context"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

const (
	maxWorkers = 64 // jobs that run at the same time
	jobTimeout = time.Minute
)

// userQueues runs jobs: those of one person one after the other, in order, and those of
// different people in parallel.
type userQueues struct {
	ctx     context.Context // of the jobs
	cancel  context.CancelFunc
	workers chan struct{} // holds one element for each job that runs
	working sync.WaitGroup

	mu     sync.Mutex
	closed bool
	queues map[access.UserID][]job // waiting or under way
}

// job is something to do while its context lasts.
type job func(context.Context)

func newUserQueues() *userQueues {
	q := &userQueues{workers: make(chan struct{}, maxWorkers), queues: map[access.UserID][]job{}}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	return q
}

// add queues a job of a person, and does nothing after close: what is stored is left to
// the next process.
func (q *userQueues) add(person access.UserID, j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.queues[person] = append(q.queues[person], j)
	if len(q.queues[person]) == 1 {
		q.working.Go(func() { q.serve(person) })
	}
}

func (q *userQueues) serve(person access.UserID) {
	for j := q.first(person); j != nil; j = q.next(person) {
		q.run(j)
	}
}

func (q *userQueues) run(j job) {
	q.workers <- struct{}{}
	defer func() { <-q.workers }()
	ctx, cancel := context.WithTimeout(q.ctx, jobTimeout)
	defer cancel()
	j(ctx)
}

func (q *userQueues) first(person access.UserID) job {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.queues[person][0]
}

// next removes the job that is done, and returns the one after it; nil when there is none.
func (q *userQueues) next(person access.UserID) job {
	q.mu.Lock()
	defer q.mu.Unlock()
	left := q.queues[person][1:]
	if len(left) == 0 || q.closed {
		delete(q.queues, person)
		return nil
	}
	q.queues[person] = left
	return left[0]
}

// close takes no more jobs, drops those that have not begun, and waits for the others while
// ctx lasts. Then it cancels their contexts, and waits until they have returned.
func (q *userQueues) close(ctx context.Context) {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	finished := make(chan struct{})
	go func() {
		q.working.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	q.cancel()
	<-finished
}
