package store

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
)

func TestUrgentWritersComeFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var turn turns
		var order []string
		wait := func(ctx context.Context, name string, urgent bool) {
			go func() {
				if err := turn.take(ctx, urgent); err != nil {
					order = append(order, name+" gave up")
					return
				}
				order = append(order, name)
				turn.give()
			}()
			synctest.Wait()
		}
		if err := turn.take(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait(t.Context(), "a", false)
		wait(ctx, "b", false)
		wait(t.Context(), "c", true)
		wait(t.Context(), "d", false)
		wait(t.Context(), "e", true)
		cancel()
		synctest.Wait()
		turn.give()
		synctest.Wait()
		if want := []string{"b gave up", "c", "e", "a", "d"}; !slices.Equal(order, want) {
			t.Errorf("in the order %v, want %v", order, want)
		}
		wait(t.Context(), "f", false)
		if order[len(order)-1] != "f" {
			t.Error("a turn is kept by nobody")
		}
	})
}
