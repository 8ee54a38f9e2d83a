package queue

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// hand knows the jobs that this process works on.
type hand struct {
	river.MiddlewareDefaults

	mu   sync.Mutex
	jobs map[int64]bool
}

// Work implements rivertype.WorkerMiddleware.
func (h *hand) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	h.mu.Lock()
	h.jobs[job.ID] = true
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.jobs, job.ID)
	}()
	return work(ctx)
}

// ReleaseLost makes jobs available again whose end could not be written down, as while
// the disk was full: River would count them as running for minutes more.
func (r *Runner) ReleaseLost(ctx context.Context) error {
	r.hand.mu.Lock()
	inHand := slices.Collect(maps.Keys(r.hand.jobs))
	r.hand.mu.Unlock()
	return r.store.ReleaseLost(ctx, inHand)
}
