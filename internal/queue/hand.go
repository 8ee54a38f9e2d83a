package queue

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"sshkeybot/internal/store"
)

// hand knows the jobs that this process works on.
type hand struct {
	river.MiddlewareDefaults

	mu   sync.Mutex
	jobs map[int64]bool
	lost map[store.JobRun]time.Time // those that count as running and are not in hand, and since when
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

// lostAfter is how long a job has to count as running without being in hand before it is
// taken for lost. It is so for a moment between its fetching and its start, and between
// its end and the note of that, which may wait for others that write.
const lostAfter = 4 * time.Second

// lostOf returns those of the running jobs that were not in hand for lostAfter, at this
// look and an earlier one.
func (h *hand) lostOf(running []store.JobRun, now time.Time) (lost []store.JobRun) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.lost
	h.lost = map[store.JobRun]time.Time{}
	for _, run := range running {
		if h.jobs[run.Job] {
			continue
		}
		since, known := before[run]
		if !known {
			since = now
		}
		h.lost[run] = since
		if now.Sub(since) >= lostAfter {
			lost = append(lost, run)
		}
	}
	return lost
}

// FindLost looks for jobs whose end could not be written down, as while the disk is full,
// and returns those that an earlier look had found as well.
func (r *Runner) FindLost(ctx context.Context) ([]store.JobRun, error) {
	running, err := r.store.RunningJobs(ctx)
	if err != nil {
		return nil, err
	}
	return r.hand.lostOf(running, time.Now()), nil
}

// ReleaseLost makes the jobs that FindLost returns available again: River would count
// them as running for minutes more.
func (r *Runner) ReleaseLost(ctx context.Context) error {
	lost, err := r.FindLost(ctx)
	if err != nil || len(lost) == 0 {
		return err
	}
	return r.store.ReleaseJobs(ctx, lost)
}
