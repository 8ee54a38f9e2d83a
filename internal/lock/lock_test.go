package lock

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
)

func TestUrgentOnesComeFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m Mutex
		var order []string
		wait := func(lock func(context.Context) error, ctx context.Context, name string) {
			go func() {
				if err := lock(ctx); err != nil {
					order = append(order, name+" gave up")
					return
				}
				order = append(order, name)
				m.Unlock()
			}()
			synctest.Wait()
		}
		if err := m.Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait(m.Lock, t.Context(), "a")
		wait(m.Lock, ctx, "b")
		wait(m.LockUrgent, t.Context(), "c")
		wait(m.Lock, t.Context(), "d")
		wait(m.LockUrgent, t.Context(), "e")
		cancel()
		synctest.Wait()
		m.Unlock()
		synctest.Wait()
		if want := []string{"b gave up", "c", "e", "a", "d"}; !slices.Equal(order, want) {
			t.Errorf("in the order %v, want %v", order, want)
		}
		wait(m.Lock, t.Context(), "f")
		if order[len(order)-1] != "f" {
			t.Error("the lock is not free, and nobody has it")
		}
	})
}
