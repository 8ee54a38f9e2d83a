package queue

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"sshkeybot/internal/store"
)

// tracker is River middleware that tracks the jobs this process is running, in order to find
// lost ones: jobs that River has recorded as running here although they have ended. A job is
// lost if its end could not be written, as while the disk is full. Until it is released, no
// other job for its server can be inserted, and a removal there waits.
type tracker struct {
	river.MiddlewareDefaults

	mu      sync.Mutex
	running map[int64]bool             // by job ID
	missing map[store.JobRun]time.Time // recorded as running and not in running, and since when
}

// Work implements rivertype.WorkerMiddleware.
func (t *tracker) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	t.mu.Lock()
	t.running[job.ID] = true
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.running, job.ID)
	}()
	return work(ctx)
}

// lostAfter is how long a job has to be recorded as running without running before it counts
// as lost. Every job is in that state for a moment: after it was fetched, before it starts,
// and after its end, until that is written, which may have to wait for other writers. A job
// that is released then would run twice.
const lostAfter = 4 * time.Second

// lost returns the jobs among those recorded as running that have not been running for
// lostAfter, counted from the first call that saw them so.
func (t *tracker) lost(recorded []store.JobRun, now time.Time) (lost []store.JobRun) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.missing
	t.missing = map[store.JobRun]time.Time{}
	for _, run := range recorded {
		if t.running[run.Job] {
			continue
		}
		since, known := before[run]
		if !known {
			since = now
		}
		t.missing[run] = since
		if now.Sub(since) >= lostAfter {
			lost = append(lost, run)
		}
	}
	return lost
}

// FindLost returns the lost jobs. One is found by the second call at the earliest, so it must
// be called regularly.
func (r *Runner) FindLost(ctx context.Context) ([]store.JobRun, error) {
	recorded, err := r.store.RunningJobs(ctx)
	if err != nil {
		return nil, err
	}
	return r.tracker.lost(recorded, time.Now()), nil
}

// ReleaseLost makes the jobs that FindLost returns available again. River itself would do so
// only after rescueAfter.
func (r *Runner) ReleaseLost(ctx context.Context) error {
	lost, err := r.FindLost(ctx)
	if err != nil || len(lost) == 0 {
		return err
	}
	return r.store.ReleaseJobs(ctx, lost)
}
