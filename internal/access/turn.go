package access

import (
	"context"
	"sync"
)

// turn is had by one at a time. Unlike for a mutex, who waits for it may give up.
type turn struct {
	mu   sync.Mutex
	over chan struct{} // closed when the turn is given back; nil while nobody has it
}

// take waits for the turn until ctx ends.
func (t *turn) take(ctx context.Context) error {
	for {
		t.mu.Lock()
		over := t.over
		if over == nil {
			t.over = make(chan struct{})
		}
		t.mu.Unlock()
		if over == nil {
			return nil
		}
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *turn) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.over)
	t.over = nil
}
