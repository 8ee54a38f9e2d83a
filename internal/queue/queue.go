// Package queue is the hand that wakes the work: it runs the ledger's jobs with
// River on the ledger's own database, and sweeps for what is due. The tables of the
// ledger are the truth; whatever River forgets, a sweep finds.
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
	"sshkeybot/internal/store"
)

const (
	// jobTimeout bounds one look at a server, waiting for the rate limit included.
	// A process that died or stands still is noticed sooner than by River's rescuer.
	jobTimeout  = 2 * time.Minute
	rescueAfter = 3 * time.Minute

	fetchCooldown = 10 * time.Millisecond
	fetchPoll     = 100 * time.Millisecond

	// waitersPerCall is how many servers have a worker for each call that may be
	// under way. The limiter in front of the target decides which goes; workers
	// that wait there keep it busy while others write down what they did.
	waitersPerCall = 3

	slackWorkers   = 8
	inspectWorkers = 4

	// giveBackAfter is how long work may go on when the process is told to stop,
	// before its context ends and it is handed back.
	giveBackAfter = 5 * time.Second
)

// Work is what the jobs call: the use cases that look at one thing of the ledger.
type Work interface {
	Sync(ctx context.Context, kind access.WorkKind, server int64, settle func(access.Tx) error) (again time.Duration, err error)
	Inspect(ctx context.Context, server int64, settle func(access.Tx) error) error
	ReadList(ctx context.Context, target int64, settle func(access.Tx) error) error
}

// Outbox shows things in Slack.
type Outbox interface {
	Announce(ctx context.Context, requestID int64) error
	SendNotice(ctx context.Context, noticeID int64) error
}

// Config is what a Runner needs.
type Config struct {
	Store       *store.Store
	Work        Work
	Outbox      Outbox
	Concurrency int // servers worked on at the same time
	Timers      []Timer
	Log         *slog.Logger

	// NoAdditions leaves additions and renewals to another process: what only takes
	// access away must not give any.
	NoAdditions bool
}

// Runner works on the ledger's jobs until it is stopped.
type Runner struct {
	client client
	store  *store.Store
	hand   *hand
	timers []Timer
	log    *slog.Logger

	stop context.CancelFunc
	done sync.WaitGroup
}

// client is a River client, whatever its database.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

// New prepares a runner; nothing runs before Start.
func New(c Config) (*Runner, error) {
	var rc client
	var err error
	inHand := &hand{jobs: map[int64]bool{}}
	if db := c.Store.SQLite(); db != nil {
		rc, err = newClient(c, riversqlite.New(db), store.NativeSQLite, inHand)
	} else {
		rc, err = newClient(c, riverpgxv5.New(c.Store.Postgres()), store.NativePostgres, inHand)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare the queue: %w", err)
	}
	return &Runner{client: rc, store: c.Store, hand: inHand, timers: c.Timers, log: c.Log}, nil
}

func newClient[TTx any](c Config, driver riverdriver.Driver[TTx], native func(access.Tx) TTx, inHand *hand) (client, error) {
	bringInLine := func(kind access.WorkKind) serverLook {
		return func(ctx context.Context, server int64, settle func(access.Tx) error) (time.Duration, error) {
			return c.Work.Sync(ctx, kind, server, settle)
		}
	}
	inspect := func(ctx context.Context, server int64, settle func(access.Tx) error) (time.Duration, error) {
		return 0, c.Work.Inspect(ctx, server, settle)
	}
	list := func(ctx context.Context, target int64, settle func(access.Tx) error) (time.Duration, error) {
		return 0, c.Work.ReadList(ctx, target, settle)
	}
	workers := river.NewWorkers()
	err := errors.Join(
		river.AddWorkerSafely(workers, onServer(c.Log, native, func(a store.RemoveOnServer) int64 { return a.ServerID }, bringInLine(access.WorkRemove))),
		river.AddWorkerSafely(workers, onServer(c.Log, native, func(a store.RenewOnServer) int64 { return a.ServerID }, bringInLine(access.WorkRenew))),
		river.AddWorkerSafely(workers, onServer(c.Log, native, func(a store.AddOnServer) int64 { return a.ServerID }, bringInLine(access.WorkAdd))),
		river.AddWorkerSafely(workers, onServer(c.Log, native, func(a store.InspectServer) int64 { return a.ServerID }, inspect)),
		river.AddWorkerSafely(workers, onServer(c.Log, native, func(a store.ListServers) int64 { return a.TargetID }, list)),
		river.AddWorkerSafely(workers, inSlack(c.Log, func(a store.AnnounceRequest) int64 { return a.RequestID }, c.Outbox.Announce)),
		river.AddWorkerSafely(workers, inSlack(c.Log, func(a store.SendNotice) int64 { return a.NoticeID }, c.Outbox.SendNotice)),
	)
	if err != nil {
		return nil, err
	}
	servers := river.QueueConfig{MaxWorkers: waitersPerCall * c.Concurrency}
	queues := map[string]river.QueueConfig{
		store.QueueRemove: servers, store.QueueRenew: servers, store.QueueAdd: servers,
		store.QueueInspect: {MaxWorkers: inspectWorkers}, store.QueueSlack: {MaxWorkers: slackWorkers}, store.QueueFirst: {MaxWorkers: slackWorkers},
	}
	if c.NoAdditions {
		delete(queues, store.QueueAdd)
		delete(queues, store.QueueRenew)
	}
	return river.NewClient(driver, &river.Config{
		ID:                   c.Store.Replica(),
		Logger:               c.Log,
		Schema:               c.Store.Schema(),
		Queues:               queues,
		Workers:              workers,
		FetchCooldown:        fetchCooldown,
		FetchPollInterval:    fetchPoll,
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		Middleware:           []rivertype.Middleware{inHand},
	})
}

// Start begins to work. What a process before this one had begun waits until the store
// releases it.
func (r *Runner) Start(ctx context.Context) error {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := r.client.Start(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	for _, timer := range r.timers {
		r.done.Go(func() { timer.run(ctx, r.log) })
	}
	return nil
}

// Stop takes no more work, lets what runs finish for some seconds and hands the
// rest back. It answers when nothing runs any more, or when ctx ends.
func (r *Runner) Stop(ctx context.Context) error {
	soft, cancel := context.WithTimeout(ctx, giveBackAfter)
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
