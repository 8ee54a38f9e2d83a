package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/queue"
	"sshkeybot/internal/store"
)

func TestStopLetsWhatRunsFinish(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, ledger *store.Store) {
		entered, leave, settled := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		h := &fakeWork{ledger: ledger}
		h.sync = func(ctx context.Context, _ access.WorkKind, _ int64, settle func(access.Tx) error) (time.Duration, error) {
			close(entered)
			<-leave
			err := ledger.Update(ctx, settle)
			settled <- err
			return 0, err
		}
		r := prepare(t, h)
		wake(t, ledger, access.Work{Kind: access.WorkAdd, ID: 1})
		await(t, entered, "the work")
		stopped := make(chan struct{})
		go func() { defer close(stopped); stop(t, r) }()
		close(leave)
		if err := await(t, settled, "the end of the work"); err != nil {
			t.Errorf("work that was nearly done was cut off: %v", err)
		}
		await(t, stopped, "the stop")
	})
}

func TestStopHandsBackWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, ledger *store.Store) {
		entered := make(chan struct{})
		h := &fakeWork{ledger: ledger}
		h.sync = func(ctx context.Context, _ access.WorkKind, _ int64, _ func(access.Tx) error) (time.Duration, error) {
			close(entered)
			<-ctx.Done() // RunCloud hangs
			return 0, ctx.Err()
		}
		r := prepare(t, h)
		wake(t, ledger, access.Work{Kind: access.WorkRemove, ID: 1})
		await(t, entered, "the work")
		begin := time.Now()
		stop(t, r)
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("the stop took %v; a process has twenty seconds in all", took)
		}

		done := make(chan struct{})
		next := &fakeWork{ledger: ledger}
		next.sync = func(ctx context.Context, _ access.WorkKind, _ int64, settle func(access.Tx) error) (time.Duration, error) {
			close(done)
			return 0, ledger.Update(ctx, settle)
		}
		start(t, next)
		await(t, done, "the work, in the next process")
	})
}

func TestTimersRunAtTheStartAndGoOn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, ledger *store.Store) {
		const often = time.Millisecond
		good, bad, faulty, rare := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
		tick := func(ch chan struct{}, end func() error) func(context.Context) error {
			return func(ctx context.Context) error {
				select {
				case ch <- struct{}{}:
				case <-ctx.Done():
				}
				return end()
			}
		}
		start(t, &fakeWork{ledger: ledger},
			queue.Timer{Name: "good", Every: often, Do: tick(good, func() error { return nil })},
			queue.Timer{Name: "bad", Every: often, Do: tick(bad, func() error { return errors.New("no") })},
			queue.Timer{Name: "faulty", Every: often, Do: tick(faulty, func() error { panic("a fault of ours") })},
			queue.Timer{Name: "rare", Every: time.Hour, Do: tick(rare, func() error { return nil })},
		)
		await(t, rare, "a rare timer at the start")
		for name, ch := range map[string]chan struct{}{"good": good, "bad": bad, "faulty": faulty} {
			for range 3 {
				await(t, ch, "the timer "+name)
			}
		}
	})
}
