package queue

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"

	"sshkeybot/internal/access"
)

// givenBack is after how long work that could not go on is looked at again. What
// stood in the way of one key is kept in its own row, so this is only for what
// concerns all of them: the process is stopping, or the target refuses the token.
const givenBack = 2 * time.Second

// serverLook is a use case that looks at one server, and calls settle in the
// transaction that finds nothing left to do. A positive again asks for another look.
type serverLook func(ctx context.Context, server int64, settle func(access.Tx) error) (again time.Duration, err error)

// onServer is the worker of the jobs for one server. An error never ends a job: the
// ledger still wants what it wants.
func onServer[TTx any, TArgs river.JobArgs](log *slog.Logger, native func(access.Tx) TTx, server func(TArgs) int64, look serverLook) river.Worker[TArgs] {
	return river.WorkFunc(func(ctx context.Context, job *river.Job[TArgs]) error {
		var again time.Duration
		err := contained(func() (err error) {
			again, err = look(ctx, server(job.Args), func(tx access.Tx) error {
				_, err := river.JobCompleteTx[riverdriver.Driver[TTx]](ctx, native(tx), job)
				return err
			})
			return err
		})
		switch {
		case err == nil && again == 0:
			return nil // completed in the domain's last transaction
		case err == nil:
			return river.JobSnooze(again)
		case ctx.Err() == nil && access.CodeOf(err) == access.Internal:
			log.Error("work failed", "work", job.Kind, "id", server(job.Args), "error", err)
		}
		return river.JobSnooze(givenBack)
	})
}

// inSlack is the worker of the jobs of the outbox. The outbox keeps in its own row when
// to try again, and the sweep wakes it; after an error not even that could be written down.
func inSlack[TArgs river.JobArgs](log *slog.Logger, id func(TArgs) int64, show func(ctx context.Context, id int64) error) river.Worker[TArgs] {
	return river.WorkFunc(func(ctx context.Context, job *river.Job[TArgs]) error {
		err := contained(func() error { return show(ctx, id(job.Args)) })
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			log.Error("work failed", "work", job.Kind, "id", id(job.Args), "error", err)
		}
		return river.JobSnooze(givenBack)
	})
}
