// Package queue runs the ledger's jobs with River, on the ledger's own database, and its
// timers.
//
// A job says which server, request or notice to look at. What has to be done there is in the
// ledger's tables, which the job reads when it runs. So a job that runs twice, late, or after
// a crash in the middle does no harm; and if one is lost, a timer that sweeps the tables for
// what is due enqueues it again.
//
// A process that dies leaves its jobs recorded as running. The other replicas release them
// (store.ReleaseDead), the next process on SQLite does at its start (store.ReleaseAll), and
// this one releases its own that ended without that being written (ReleaseLost).
package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"sshkeybot/internal/access"
	"sshkeybot/internal/outage"
	"sshkeybot/internal/store"
)

const (
	// jobTimeout is the longest that a job may run, including its waiting for the target's
	// rate limit.
	jobTimeout = 2 * time.Minute
	// rescueAfter is when River itself takes a running job for lost. It is longer than
	// jobTimeout, or River would start a job that is still running once more. See ReleaseLost
	// and store.ReleaseDead for what notices sooner.
	rescueAfter = 3 * time.Minute

	fetchCooldown = 10 * time.Millisecond

	// Jobs are fetched when the transaction that put them into the queue is committed. Polling is
	// for what that misses: on PostgreSQL, jobs whose time comes.
	pollPostgres = 2 * time.Second
	pollSQLite   = 5 * time.Second

	// recordedWithin is how long it takes River to record that a job is to run again, if nothing
	// is in the way: it gathers such records for a quarter of a second.
	recordedWithin = 300 * time.Millisecond

	// keepCompleted is how long completed jobs are kept, which nobody asks for.
	keepCompleted = 10 * time.Minute

	// workersPerCall is the number of workers for each call that the target allows at the
	// same time. While some write to the ledger, others wait at the target's limiter, so that
	// no call it allows is left unused. The limiter decides which of them goes next.
	workersPerCall = 3

	slackWorkers   = 8
	inspectWorkers = 4

	// finishWithin is how long jobs may go on after Stop, before their contexts are cancelled.
	finishWithin = 5 * time.Second
)

// Work is what the jobs for servers and targets do. Each method does all there is to do for
// its kind of work, and calls settle in its last transaction: the one that finds nothing left.
// Settle completes the job. It must be called before that transaction looks for what is left,
// and if there is something, the transaction must be rolled back: what commits a change
// before it is seen there, and what commits one after it enqueues a new job. (The reason is
// in package store: a job that is running swallows the wake-ups for it.)
type Work interface {
	// Sync brings a server in line with the ledger, as far as that kind of work goes. If
	// again is positive, the job runs again after that time; settle was not called then.
	Sync(ctx context.Context, kind access.WorkKind, server int64, settle func(access.Tx) error) (again time.Duration, err error)
	// Align brings the servers in line that are marked for it.
	Align(ctx context.Context, settle func(access.Tx) error) error
	// Inspect reads a server for keys that the bot did not place.
	Inspect(ctx context.Context, server int64, settle func(access.Tx) error) error
	// ReadList reads a target's list of servers.
	ReadList(ctx context.Context, target int64, settle func(access.Tx) error) error
}

// Outbox is what the jobs for Slack do. Its methods store failures of Slack themselves, with
// the time of the next try, so an error means that they could not.
type Outbox interface {
	// Announce shows a request as it is now.
	Announce(ctx context.Context, requestID int64) error
	// SendNotice sends a notice, unless it was sent.
	SendNotice(ctx context.Context, noticeID int64) error
}

// Config is what a Runner needs.
type Config struct {
	Store       *store.Store
	Work        Work
	Outbox      Outbox
	Concurrency int      // calls that a target allows at the same time
	Apart       []string // targets whose work takes no worker from that of others
	Timers      []Timer
	Log         *slog.Logger
	RiverLog    *slog.Logger // of the library

	// NoAdditions leaves the jobs that place or renew keys to other processes: this one was
	// started only to take access away.
	NoAdditions bool
}

// Runner runs the ledger's jobs and the timers.
type Runner struct {
	client  client
	store   *store.Store
	tracker *tracker
	wakes   *wakes
	timers  []Timer
	late    outage.Watch // on timers
	failing outage.Watch // on jobs

	stop context.CancelFunc
	done sync.WaitGroup
}

// client is a River client for either database.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

// New returns a Runner. Nothing runs before Start.
func New(c Config) (*Runner, error) {
	var rc client
	var err error
	r := &Runner{store: c.Store, tracker: &tracker{running: map[int64]bool{}}, wakes: newWakes(), timers: c.Timers}
	r.late = outage.Watch{Log: c.Log, Level: slog.LevelWarn, Down: "timer failed", Up: "timer works again"}
	r.failing = outage.Watch{Log: c.Log, Level: slog.LevelWarn, Down: "work failed", Up: "work goes on"}
	c.Store.SplitQueues(c.Apart)
	if db := c.Store.SQLite(); db != nil {
		rc, err = newClient(c, r, localDriver{riversqlite.New(db), r.wakes}, store.NativeSQLite, pollSQLite)
		c.Store.OnEnqueued(r.wakes.add)
	} else {
		rc, err = newClient(c, r, riverpgxv5.New(c.Store.Postgres()), store.NativePostgres, pollPostgres)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare the queue: %w", err)
	}
	r.client = rc
	return r, nil
}

func newClient[TTx any](c Config, r *Runner, driver riverdriver.Driver[TTx], native func(access.Tx) TTx, poll time.Duration) (client, error) {
	syncOf := func(kind access.WorkKind) workFunc {
		return func(ctx context.Context, server int64, settle func(access.Tx) error) (time.Duration, error) {
			return c.Work.Sync(ctx, kind, server, settle)
		}
	}
	align := func(ctx context.Context, _ int64, settle func(access.Tx) error) (time.Duration, error) {
		return 0, c.Work.Align(ctx, settle)
	}
	inspect := func(ctx context.Context, server int64, settle func(access.Tx) error) (time.Duration, error) {
		return 0, c.Work.Inspect(ctx, server, settle)
	}
	list := func(ctx context.Context, target int64, settle func(access.Tx) error) (time.Duration, error) {
		return 0, c.Work.ReadList(ctx, target, settle)
	}
	workers := river.NewWorkers()
	err := errors.Join(
		river.AddWorkerSafely(workers, targetWorker(r, native, func(a store.RemoveOnServer) int64 { return a.ServerID }, syncOf(access.WorkRemove))),
		river.AddWorkerSafely(workers, targetWorker(r, native, func(a store.RenewOnServer) int64 { return a.ServerID }, syncOf(access.WorkRenew))),
		river.AddWorkerSafely(workers, targetWorker(r, native, func(a store.AddOnServer) int64 { return a.ServerID }, syncOf(access.WorkAdd))),
		river.AddWorkerSafely(workers, targetWorker(r, native, func(store.AlignServers) int64 { return 0 }, align)),
		river.AddWorkerSafely(workers, targetWorker(r, native, func(a store.InspectServer) int64 { return a.ServerID }, inspect)),
		river.AddWorkerSafely(workers, targetWorker(r, native, func(a store.ListServers) int64 { return a.TargetID }, list)),
		river.AddWorkerSafely(workers, slackWorker(r, func(a store.AnnounceRequest) int64 { return a.RequestID }, c.Outbox.Announce)),
		river.AddWorkerSafely(workers, slackWorker(r, func(a store.SendNotice) int64 { return a.NoticeID }, c.Outbox.SendNotice)),
	)
	if err != nil {
		return nil, err
	}
	return river.NewClient(driver, &river.Config{
		ID:                   c.Store.Replica(),
		Logger:               c.RiverLog,
		Schema:               c.Store.Schema(),
		Queues:               c.queues(),
		Workers:              workers,
		FetchCooldown:        fetchCooldown,
		FetchPollInterval:    poll,
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		Middleware:           []rivertype.Middleware{r.tracker},

		CompletedJobRetentionPeriod: keepCompleted,
	})
}

// queues returns the queues that are served.
func (c Config) queues() map[string]river.QueueConfig {
	ofServers := map[string]int{store.QueueRemove: workersPerCall * c.Concurrency, store.QueueInspect: inspectWorkers}
	if !c.NoAdditions {
		ofServers[store.QueueRenew], ofServers[store.QueueAdd] = workersPerCall*c.Concurrency, workersPerCall*c.Concurrency
	}
	queues := map[string]river.QueueConfig{
		store.QueueAlign: {MaxWorkers: 1}, store.QueueSlack: {MaxWorkers: slackWorkers}, store.QueueFirst: {MaxWorkers: slackWorkers},
	}
	for queue, workers := range ofServers {
		queues[queue] = river.QueueConfig{MaxWorkers: workers}
		for _, target := range c.Apart {
			queues[store.QueueOf(queue, target)] = river.QueueConfig{MaxWorkers: workers}
		}
	}
	return queues
}

// Start starts the jobs and the timers, which ignore the end of ctx: see Stop. Jobs that a
// process before this one was running when it died wait until the store releases them.
func (r *Runner) Start(ctx context.Context) error {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := r.client.Start(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	for _, timer := range r.timers {
		r.done.Go(func() { timer.run(ctx, &r.late) })
	}
	return nil
}

// Stop starts no more jobs, gives those that run some seconds to finish and then cancels
// their contexts; they will run again, here or elsewhere. It returns when nothing runs any
// more, or with an error when ctx ends.
func (r *Runner) Stop(ctx context.Context) error {
	soft, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	err := r.client.Stop(soft)
	if err != nil {
		err = r.client.StopAndCancel(ctx)
	}
	r.stop()
	r.done.Wait()
	return err
}

var (
	_ client = (*river.Client[*sql.Tx])(nil)
	_ client = (*river.Client[pgx.Tx])(nil)
)
