package queue_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sshkeybot/internal/access"
	"sshkeybot/internal/queue"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("16") // they mostly wait
	}
	// The goroutine of a closed sql.DB ends some time after Close has returned.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
}

// patience is how long a test waits for what must happen; only a failing test waits so long.
const patience = time.Minute

// onBoth runs a test on an empty ledger of each database: on SQLite in a bubble of synctest, on
// PostgreSQL in real time, because who waits for a real connection keeps the time of a bubble from
// passing.
func onBoth(t *testing.T, test func(t *testing.T, ledger *store.Store)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(t, storetest.SQLite(t)) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, storetest.Postgres(t))
	})
}

// fakeWork is a queue.Work and a queue.Outbox of functions. What is nil succeeds at once.
type fakeWork struct {
	ledger   *store.Store
	sync     func(ctx context.Context, kind access.WorkKind, server int64, settle func(access.Tx) error) (time.Duration, error)
	inspect  func(ctx context.Context, server int64) error
	announce func(ctx context.Context, id int64) error
	notice   func(ctx context.Context, id int64) error
}

func (h *fakeWork) Sync(ctx context.Context, kind access.WorkKind, server int64, settle func(access.Tx) error) (time.Duration, error) {
	if h.sync != nil {
		return h.sync(ctx, kind, server, settle)
	}
	return 0, h.ledger.Update(ctx, settle)
}

func (h *fakeWork) Align(ctx context.Context, settle func(access.Tx) error) error {
	return h.ledger.Update(ctx, settle)
}

func (h *fakeWork) ReadList(ctx context.Context, _ int64, settle func(access.Tx) error) error {
	return h.ledger.Update(ctx, settle)
}

func (h *fakeWork) Inspect(ctx context.Context, server int64, settle func(access.Tx) error) error {
	if h.inspect != nil {
		if err := h.inspect(ctx, server); err != nil {
			return err
		}
	}
	return h.ledger.Update(ctx, settle)
}

func (h *fakeWork) Announce(ctx context.Context, id int64) error {
	if h.announce != nil {
		return h.announce(ctx, id)
	}
	return nil
}

func (h *fakeWork) SendNotice(ctx context.Context, id int64) error {
	if h.notice != nil {
		return h.notice(ctx, id)
	}
	return nil
}

// start starts a queue and stops it at the end of the test.
func start(t *testing.T, h *fakeWork, timers ...queue.Timer) *queue.Runner {
	t.Helper()
	r := prepare(t, h, timers...)
	t.Cleanup(func() { stop(t, r) })
	return r
}

func prepare(t *testing.T, h *fakeWork, timers ...queue.Timer) *queue.Runner {
	t.Helper()
	r, err := queue.New(queue.Config{
		Store: h.ledger, Work: h, Outbox: h, Concurrency: 1, Timers: timers, Log: slog.New(slog.DiscardHandler), RiverLog: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func stop(t *testing.T, r *queue.Runner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func wake(t *testing.T, ledger *store.Store, work ...access.Work) {
	t.Helper()
	if err := ledger.Update(context.Background(), func(tx access.Tx) error { return tx.Wake(context.Background(), work...) }); err != nil {
		t.Fatalf("wake: %v", err)
	}
}

// await returns the next value from a channel, and fails the test if there is none for long.
func await[T any](t *testing.T, signal <-chan T, what string) (value T) {
	t.Helper()
	select {
	case value = <-signal:
	case <-time.After(patience):
		t.Fatalf("%s: it never comes", what)
	}
	return value
}

func TestEveryKindOfWorkIsDone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, ledger *store.Store) {
		done := make(chan access.Work, 10)
		report := func(kind access.WorkKind) func(context.Context, int64) error {
			return func(_ context.Context, id int64) error { done <- access.Work{Kind: kind, ID: id}; return nil }
		}
		h := &fakeWork{ledger: ledger, inspect: report(access.WorkInspect), announce: report(access.WorkAnnounce), notice: report(access.WorkNotice)}
		h.sync = func(ctx context.Context, kind access.WorkKind, server int64, settle func(access.Tx) error) (time.Duration, error) {
			done <- access.Work{Kind: kind, ID: server}
			return 0, ledger.Update(ctx, settle)
		}
		start(t, h)
		want := map[access.Work]bool{}
		for i, kind := range []access.WorkKind{access.WorkRemove, access.WorkRenew, access.WorkAdd, access.WorkInspect, access.WorkAnnounce, access.WorkNotice} {
			w := access.Work{Kind: kind, ID: int64(i + 1)}
			want[w] = true
			wake(t, ledger, w)
		}
		for range want {
			w := await(t, done, "a piece of work")
			if !want[w] {
				t.Errorf("did %+v", w)
			}
			delete(want, w)
		}
	})
}

// TestNoWakeUpIsLost stores wishes while a job runs, each with a wake-up that is lost because
// the job is running. The job does what queue.Work demands: it settles first, and rolls back
// if it then finds more to do.
func TestNoWakeUpIsLost(t *testing.T) {
	t.Parallel()
	const wishes, flag = 60, "wishes"
	errMore := errors.New("more")
	onBoth(t, func(t *testing.T, ledger *store.Store) {
		seen := make(chan int, 1)
		h := &fakeWork{ledger: ledger}
		h.sync = func(ctx context.Context, _ access.WorkKind, _ int64, settle func(access.Tx) error) (time.Duration, error) {
			for {
				have := count(ctx, t, ledger, flag)
				err := ledger.Update(ctx, func(tx access.Tx) error {
					if err := settle(tx); err != nil {
						return err
					}
					if now, err := tx.Flag(ctx, flag); err != nil || len(now) != have {
						return errors.Join(err, errMore)
					}
					return nil
				})
				if !errors.Is(err, errMore) {
					if have == wishes {
						seen <- have
					}
					return 0, err
				}
			}
		}
		start(t, h)
		for range wishes {
			err := ledger.Update(t.Context(), func(tx access.Tx) error {
				have, err := tx.Flag(t.Context(), flag)
				if err != nil {
					return err
				}
				return errors.Join(tx.SetFlag(t.Context(), flag, have+"."), tx.Wake(t.Context(), access.Work{Kind: access.WorkRemove, ID: 1}))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		await(t, seen, "the last wish")
	})
}

func count(ctx context.Context, t *testing.T, ledger *store.Store, flag string) (n int) {
	t.Helper()
	if err := ledger.Read(ctx, func(tx access.Tx) error {
		value, err := tx.Flag(ctx, flag)
		n = len(value)
		return err
	}); err != nil && ctx.Err() == nil {
		t.Errorf("read: %v", err)
	}
	return n
}

func TestOneJobOfAKindAndServerAtATime(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, ledger *store.Store) {
		var mu sync.Mutex
		running := map[access.Work]bool{}
		entered, leave := make(chan access.Work, 100), make(chan struct{})
		h := &fakeWork{ledger: ledger}
		h.sync = func(ctx context.Context, kind access.WorkKind, server int64, settle func(access.Tx) error) (time.Duration, error) {
			w := access.Work{Kind: kind, ID: server}
			mu.Lock()
			if running[w] {
				t.Errorf("two at once: %+v", w)
			}
			running[w] = true
			mu.Unlock()
			entered <- w
			<-leave
			mu.Lock()
			running[w] = false
			mu.Unlock()
			return 0, ledger.Update(ctx, settle)
		}
		start(t, h)
		work := []access.Work{{Kind: access.WorkRemove, ID: 1}, {Kind: access.WorkAdd, ID: 1}, {Kind: access.WorkAdd, ID: 2}}
		for range 5 {
			wake(t, ledger, work...)
		}
		for range work {
			await(t, entered, "different work at the same time")
		}
		wake(t, ledger, work...) // while all of them run
		wake(t, ledger, access.Work{Kind: access.WorkAdd, ID: 3})
		if w := await(t, entered, "the work that does not run yet"); w.ID != 3 {
			t.Errorf("%+v runs twice", w)
		}
		close(leave)
	})
}

func TestRemovalWaitsBehindNothingElse(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, ledger *store.Store) {
		busy, removed := make(chan struct{}, 500), make(chan struct{})
		h := &fakeWork{ledger: ledger}
		h.sync = func(ctx context.Context, kind access.WorkKind, _ int64, settle func(access.Tx) error) (time.Duration, error) {
			if kind == access.WorkRemove {
				close(removed)
				return 0, ledger.Update(ctx, settle)
			}
			busy <- struct{}{}
			<-ctx.Done() // RunCloud hangs
			return 0, ctx.Err()
		}
		start(t, h)
		var others []access.Work
		for i := range int64(400) {
			others = append(others, access.Work{Kind: access.WorkAdd, ID: i + 1}, access.Work{Kind: access.WorkRenew, ID: i + 1})
		}
		wake(t, ledger, others...)
		await(t, busy, "the first of the others")
		wake(t, ledger, access.Work{Kind: access.WorkRemove, ID: 77})
		await(t, removed, "the removal")
	})
}

func TestWorkComesBack(t *testing.T) {
	t.Parallel()
	const once, often = 1, 3 // River alone would wait a minute and a half after the third panic
	again := map[string]func() (time.Duration, error){
		"after a while":         func() (time.Duration, error) { return 10 * time.Millisecond, nil },
		"after an error":        func() (time.Duration, error) { return 0, errors.New("the ledger is away") },
		"after a refused token": func() (time.Duration, error) { return 0, &access.Error{Code: access.Unauthorized} },
		"after it was told later": func() (time.Duration, error) {
			return 0, &access.Error{Code: access.RateLimited, RetryAfter: time.Second}
		},
		"after a panic": func() (time.Duration, error) { panic("a fault of ours") },
	}
	for name, first := range again {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, ledger *store.Store) {
				done := make(chan struct{})
				tries, fails := 0, once
				if name == "after a panic" {
					fails = often
				}
				h := &fakeWork{ledger: ledger}
				h.sync = func(ctx context.Context, _ access.WorkKind, _ int64, settle func(access.Tx) error) (time.Duration, error) {
					if tries++; tries <= fails {
						return first()
					}
					close(done)
					return 0, ledger.Update(ctx, settle)
				}
				start(t, h)
				wake(t, ledger, access.Work{Kind: access.WorkRemove, ID: 1})
				await(t, done, "another try")
			})
		})
	}
}

func TestOutboxAndInspectionsComeBackToo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, ledger *store.Store) {
		done := make(chan access.WorkKind, 3)
		failing := func(kind access.WorkKind, fail func() error) func(context.Context, int64) error {
			tries := 0
			return func(context.Context, int64) error {
				if tries++; tries == 1 {
					return fail()
				}
				done <- kind
				return nil
			}
		}
		h := &fakeWork{
			ledger:   ledger,
			inspect:  failing(access.WorkInspect, func() error { panic("a fault of ours") }),
			announce: failing(access.WorkAnnounce, func() error { return errors.New("Slack is away") }),
			notice:   failing(access.WorkNotice, func() error { panic("a fault of ours") }),
		}
		start(t, h)
		wake(t, ledger, access.Work{Kind: access.WorkInspect, ID: 1}, access.Work{Kind: access.WorkAnnounce, ID: 2}, access.Work{Kind: access.WorkNotice, ID: 3})
		for range 3 {
			await(t, done, "a second try")
		}
	})
}
