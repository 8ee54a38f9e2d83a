package queue

import (
	"context"
	"strconv"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"

	"sshkeybot/internal/access"
)

// retryAfter is when a job that failed runs again. What keeps a single key from being placed
// or removed is stored with the time of its next try, and is no failure of the job. So this
// is for what concerns the whole server: the process is stopping, the ledger is busy, or the
// target refuses our credentials.
const retryAfter = 2 * time.Second

// workFunc is one of the methods of Work, for a server or a target.
type workFunc func(ctx context.Context, id int64, settle func(access.Tx) error) (again time.Duration, err error)

// targetWorker returns the worker for the jobs that look at a server or a target. After an
// error the job is snoozed, never ended: what it was to do still has to be done.
func targetWorker[TTx any, TArgs river.JobArgs](r *Runner, native func(access.Tx) TTx, id func(TArgs) int64, work workFunc) river.Worker[TArgs] {
	return river.WorkFunc(func(ctx context.Context, job *river.Job[TArgs]) error {
		var again time.Duration
		err := recovered(func() (err error) {
			again, err = work(ctx, id(job.Args), func(tx access.Tx) error {
				_, err := river.JobCompleteTx[riverdriver.Driver[TTx]](ctx, native(tx), job)
				return err
			})
			return err
		})
		if err == nil || ctx.Err() == nil && access.CodeOf(err) == access.Internal {
			r.saw(ctx, job.Kind, id(job.Args), err)
		}
		switch {
		case err == nil && again == 0:
			return nil // the job was completed by settle
		case err == nil:
			return r.snooze(job.Queue, again)
		}
		return r.snooze(job.Queue, retryAfter)
	})
}

// slackWorker returns the worker for the jobs of the outbox. After an error the job is
// snoozed: not even the time of the next try could be stored. A wake-up that comes while the
// job runs is lost here, too, but the drawing or notice is still due, and the sweep finds it.
func slackWorker[TArgs river.JobArgs](r *Runner, id func(TArgs) int64, show func(ctx context.Context, id int64) error) river.Worker[TArgs] {
	return river.WorkFunc(func(ctx context.Context, job *river.Job[TArgs]) error {
		err := recovered(func() error { return show(ctx, id(job.Args)) })
		if err == nil || ctx.Err() == nil {
			r.saw(ctx, job.Kind, id(job.Args), err)
		}
		if err == nil {
			return nil
		}
		return r.snooze(job.Queue, retryAfter)
	})
}

// saw says in the log that the work on a server, a target or a request fails, or no longer does.
func (r *Runner) saw(ctx context.Context, kind string, id int64, err error) {
	r.failing.Saw(ctx, kind+" "+strconv.FormatInt(id, 10), err, "work", kind, "id", id)
}

// snooze returns what has River run a job of a queue again after a while, and sees to it that
// the queue is looked at then.
func (r *Runner) snooze(queue string, d time.Duration) error {
	time.AfterFunc(max(d, recordedWithin)+fetchCooldown, func() { r.wakes.add(queue) })
	return river.JobSnooze(d)
}
