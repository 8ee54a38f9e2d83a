package reconcile

import (
	"context"
	"sync"
)

// mutex is had by one at a time. Unlike for a mutex, who waits for it may give up.
type mutex struct {
	mu       sync.Mutex
	unlocked chan struct{} // closed when the turn is given back; nil while nobody has it
}

// Lock waits for the turn until ctx ends.
func (t *mutex) Lock(ctx context.Context) error {
	for {
		t.mu.Lock()
		over := t.unlocked
		if over == nil {
			t.unlocked = make(chan struct{})
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

func (t *mutex) Unlock() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.unlocked)
	t.unlocked = nil
}
