package storetest

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func wake(t *testing.T, s *store.Store, work ...access.Work) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Wake(ctx, work...) })
}

func jobs(t *testing.T, s *store.Store, condition string) int64 {
	t.Helper()
	return query[int64](t, s, "SELECT COUNT(*) FROM river_job WHERE "+condition)
}

// A job exists at most once until it has ended, also while it runs.
func testWakeOnce(t *testing.T, s *store.Store) {
	remove, add := access.Work{Kind: access.WorkRemove, ID: 1}, access.Work{Kind: access.WorkAdd, ID: 1}
	wake(t, s, remove, add, remove, access.Work{Kind: access.WorkRemove, ID: 2})
	wake(t, s)
	wake(t, s, add, remove)
	same(t, "jobs", jobs(t, s, "state = 'available'"), 3)
	for _, state := range []string{"running", "retryable", "scheduled", "pending"} {
		setState(t, s, state, "NULL")
		wake(t, s, remove, add)
		same(t, "jobs beside "+state, jobs(t, s, "1 = 1"), 3)
	}
	for i, state := range []string{"completed", "cancelled", "discarded"} {
		setState(t, s, state, "'2026-01-01 00:00:00'")
		wake(t, s, remove, add)
		same(t, "jobs after "+state, jobs(t, s, "1 = 1"), int64(5+2*i))
	}
	if err := s.Update(t.Context(), func(tx access.Tx) error { return tx.Wake(t.Context(), access.Work{Kind: "dance"}) }); err == nil {
		t.Error("there is no such work")
	}
}

// setState sets the state of all jobs that have not ended.
func setState(t *testing.T, s *store.Store, state, finalized string) {
	t.Helper()
	if err := exec(t, s, "UPDATE river_job SET state = '"+state+"', finalized_at = "+finalized+" WHERE finalized_at IS NULL"); err != nil {
		t.Fatal(err)
	}
}

func testWakeOptions(t *testing.T, s *store.Store) {
	var all []access.Work
	for id := range int64(500) {
		all = append(all, access.Work{Kind: access.WorkInspect, ID: id}, access.Work{Kind: access.WorkRemove, ID: id})
	}
	wake(t, s, all...)
	wake(t, s, access.Work{Kind: access.WorkAdd, ID: 1}, access.Work{Kind: access.WorkRenew, ID: 1}, access.Work{Kind: access.WorkAnnounce, ID: 1}, access.Work{Kind: access.WorkNotice, ID: 1})
	for condition, want := range map[string]int64{
		"kind = 'inspect_server' AND queue = 'inspect'":  500,
		"kind = 'remove_on_server' AND queue = 'remove'": 500,
		"kind = 'renew_on_server' AND queue = 'renew'":   1,
		"kind = 'add_on_server' AND queue = 'add'":       1,
		"kind = 'announce_request' AND queue = 'slack'":  1,
		"kind = 'send_notice' AND queue = 'slack'":       1,
		"max_attempts = " + strconv.Itoa(math.MaxInt16):  1004,
	} {
		same(t, condition, jobs(t, s, condition), want)
	}
}

// Messages about requests that end access have a queue of their own.
func testWakeFirst(t *testing.T, s *store.Store) {
	ids := map[access.RequestKind]int64{}
	for _, kind := range []access.RequestKind{access.KindGrant, access.KindExtend, access.KindRevoke, access.KindOffboard, access.KindPurge} {
		r := written(t, s, func(ctx context.Context, tx access.Tx) (access.Request, error) {
			r, _, err := tx.InsertRequest(ctx, access.Request{Kind: kind, State: access.Pending}, nil)
			return r, err
		})
		ids[kind] = r.ID
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			return tx.Notify(ctx, access.Notice{Key: string(kind), Kind: access.NoticeReminder, RequestID: r.ID})
		})
	}
	for _, id := range dueNotices(t, s, epoch) {
		wake(t, s, access.Work{Kind: access.WorkNotice, ID: id})
	}
	for _, id := range ids {
		wake(t, s, access.Work{Kind: access.WorkAnnounce, ID: id})
		wake(t, s, access.Work{Kind: access.WorkAnnounce, ID: id})
	}
	for condition, want := range map[string]int64{
		"kind = 'announce_request' AND queue = 'slack'":       2,
		"kind = 'announce_request' AND queue = 'slack_first'": 3,
		"kind = 'send_notice' AND queue = 'slack'":            2,
		"kind = 'send_notice' AND queue = 'slack_first'":      3,
	} {
		same(t, condition, jobs(t, s, condition), want)
	}
	for kind, id := range ids {
		want := "slack"
		if kind.EndsAccess() {
			want = "slack_first"
		}
		condition := "kind = 'announce_request' AND queue = '" + want + "' AND CAST(args->>'request_id' AS TEXT) = '" + strconv.FormatInt(id, 10) + "'"
		same(t, condition, jobs(t, s, condition), 1)
	}
}

// testWakeDuringComplete lets a worker complete jobs as package queue does, while others wake
// it, and checks that no wake-up is lost.
func testWakeDuringComplete(t *testing.T, s *store.Store) {
	stop := startWorker(t, s)
	defer stop()
	const wakers, each = 4, 25
	flag := func(name string) string {
		return read(t, s, func(ctx context.Context, tx access.Tx) (string, error) { return tx.Flag(ctx, name) })
	}
	for range each {
		var all sync.WaitGroup
		for range wakers {
			all.Go(func() {
				err := s.Update(t.Context(), func(tx access.Tx) error {
					if err := add(t.Context(), tx, "asked"); err != nil {
						return err
					}
					return tx.Wake(t.Context(), access.Work{Kind: access.WorkRemove, ID: 1})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		// The next wake-ups come when the job is about to complete.
		eventually(t, "everything is answered", func() bool { return flag("asked") == flag("answered") })
	}
	eventually(t, "no job is left", func() bool { return jobs(t, s, "finalized_at IS NULL") == 0 })
	for _, name := range []string{"asked", "answered"} {
		same(t, name, flag(name), strconv.Itoa(wakers*each))
	}
	if jobs(t, s, "state <> 'completed'") > 0 {
		t.Error("a job failed")
	}
	t.Logf("%d wake-ups made %d jobs", wakers*each, jobs(t, s, "1 = 1"))
}

func add(ctx context.Context, tx access.Tx, name string) error {
	text, err := tx.Flag(ctx, name)
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(text) // empty is 0
	return tx.SetFlag(ctx, name, strconv.Itoa(n+1))
}

var errMore = errors.New("there is more to do") //nolint:gochecknoglobals // a sentinel

// worker does what was asked for, one thing in each transaction, and completes its job in the
// transaction that finds nothing left.
type worker struct {
	river.WorkerDefaults[store.RemoveOnServer]
	s        *store.Store
	complete func(context.Context, access.Tx, *river.Job[store.RemoveOnServer]) error
}

func (w *worker) Work(ctx context.Context, job *river.Job[store.RemoveOnServer]) error {
	for {
		err := w.s.Update(ctx, func(tx access.Tx) error {
			if err := w.complete(ctx, tx, job); err != nil {
				return err
			}
			asked, err := tx.Flag(ctx, "asked")
			if err != nil {
				return err
			}
			answered, err := tx.Flag(ctx, "answered")
			if err == nil && asked != answered {
				err = errMore
			}
			return err
		})
		if !errors.Is(err, errMore) {
			return err
		}
		if err := w.s.Update(ctx, func(tx access.Tx) error { return add(ctx, tx, "answered") }); err != nil {
			return err
		}
	}
}

func startWorker(t *testing.T, s *store.Store) (stop func()) {
	t.Helper()
	if db := s.SQLite(); db != nil {
		return startClient(t, s, riversqlite.New(db), func(ctx context.Context, tx access.Tx, job *river.Job[store.RemoveOnServer]) error {
			_, err := river.JobCompleteTx[*riversqlite.Driver](ctx, store.NativeSQLite(tx), job)
			return err
		})
	}
	return startClient(t, s, riverpgxv5.New(s.Postgres()), func(ctx context.Context, tx access.Tx, job *river.Job[store.RemoveOnServer]) error {
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, store.NativePostgres(tx), job)
		return err
	})
}

func startClient[TTx any](t *testing.T, s *store.Store, driver riverdriver.Driver[TTx],
	complete func(context.Context, access.Tx, *river.Job[store.RemoveOnServer]) error,
) (stop func()) {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{s: s, complete: complete})
	client, err := river.NewClient(driver, &river.Config{
		ID: s.Replica(), Schema: s.Schema(), Workers: workers, Queues: map[string]river.QueueConfig{store.QueueRemove: {MaxWorkers: 4}},
		FetchCooldown: time.Millisecond, FetchPollInterval: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	if err := client.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := client.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
}

// eventually waits until a condition holds that another process or the server brings about.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}
