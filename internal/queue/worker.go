package queue

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// givenBack is after how long work that could not go on is looked at again. What
// stood in the way of one key is kept in its own row, so this is only for what
// concerns all of them: the process is stopping, or the target refuses the token.
const givenBack = 2 * time.Second

// base completes jobs in a transaction of the ledger.
type base[TTx any] struct {
	native func(access.Tx) TTx
	log    *slog.Logger
}

type driverOf[TTx any] = riverdriver.Driver[TTx]

// outcome turns what the domain answers into River's words. An error never ends a
// job: the ledger still wants what it wants.
func (b base[TTx]) outcome(ctx context.Context, again time.Duration, err error, kind string, id int64) error {
	switch {
	case err == nil && again == 0:
		return nil // completed in the domain's last transaction
	case err == nil:
		return river.JobSnooze(again)
	case ctx.Err() == nil && access.CodeOf(err) == access.Internal:
		b.log.Error("work failed", "work", kind, "id", id, "error", err)
	}
	return river.JobSnooze(givenBack)
}

type removeWorker[TTx any] struct {
	river.WorkerDefaults[store.RemoveOnServer]
	base[TTx]
	work Work
}

// Work implements river.Worker.
func (w *removeWorker[TTx]) Work(ctx context.Context, job *river.Job[store.RemoveOnServer]) error {
	var again time.Duration
	err := contained(func() (err error) {
		again, err = w.work.Sync(ctx, access.WorkRemove, job.Args.ServerID, func(tx access.Tx) error {
			return complete(ctx, w.native(tx), job)
		})
		return err
	})
	return w.outcome(ctx, again, err, job.Kind, job.Args.ServerID)
}

type addWorker[TTx any] struct {
	river.WorkerDefaults[store.AddOnServer]
	base[TTx]
	work Work
}

// Work implements river.Worker.
func (w *addWorker[TTx]) Work(ctx context.Context, job *river.Job[store.AddOnServer]) error {
	var again time.Duration
	err := contained(func() (err error) {
		again, err = w.work.Sync(ctx, access.WorkAdd, job.Args.ServerID, func(tx access.Tx) error {
			return complete(ctx, w.native(tx), job)
		})
		return err
	})
	return w.outcome(ctx, again, err, job.Kind, job.Args.ServerID)
}

type inspectWorker[TTx any] struct {
	river.WorkerDefaults[store.InspectServer]
	base[TTx]
	work Work
}

// Work implements river.Worker.
func (w *inspectWorker[TTx]) Work(ctx context.Context, job *river.Job[store.InspectServer]) error {
	err := contained(func() error {
		return w.work.Inspect(ctx, job.Args.ServerID, func(tx access.Tx) error { return complete(ctx, w.native(tx), job) })
	})
	return w.outcome(ctx, 0, err, job.Kind, job.Args.ServerID)
}

// complete marks the job as done in the transaction that found nothing left to do.
func complete[TTx any, TArgs river.JobArgs](ctx context.Context, tx TTx, job *river.Job[TArgs]) error {
	_, err := river.JobCompleteTx[driverOf[TTx]](ctx, tx, job)
	return err
}

type announceWorker struct {
	river.WorkerDefaults[store.AnnounceRequest]
	outbox Outbox
	log    *slog.Logger
}

// Work implements river.Worker.
func (w *announceWorker) Work(ctx context.Context, job *river.Job[store.AnnounceRequest]) error {
	err := contained(func() error { return w.outbox.Announce(ctx, job.Args.RequestID) })
	return shown(ctx, w.log, job.Kind, job.Args.RequestID, err)
}

type noticeWorker struct {
	river.WorkerDefaults[store.SendNotice]
	outbox Outbox
	log    *slog.Logger
}

// Work implements river.Worker.
func (w *noticeWorker) Work(ctx context.Context, job *river.Job[store.SendNotice]) error {
	err := contained(func() error { return w.outbox.SendNotice(ctx, job.Args.NoticeID) })
	return shown(ctx, w.log, job.Kind, job.Args.NoticeID, err)
}

// shown ends a job of the outbox. The outbox keeps in its own row when to try again,
// and the sweep wakes it; after an error not even that could be written down.
func shown(ctx context.Context, log *slog.Logger, kind string, id int64, err error) error {
	if err != nil && ctx.Err() == nil {
		log.Error("work failed", "work", kind, "id", id, "error", err)
	}
	if err != nil {
		return river.JobSnooze(givenBack)
	}
	return nil
}
