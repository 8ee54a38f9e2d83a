package store

import (
	"context"
	"slices"
	"sync"
)

// turns lets one writer in at a time, in the order in which they come, but those that are urgent
// before all others: a hundred workers that record what they did must not hold up the
// acknowledgement of a click.
type turns struct {
	mu             sync.Mutex
	taken          bool
	urgent, others []chan struct{} // each is closed when its turn has come
}

// take waits for a turn, which give must end.
func (t *turns) take(ctx context.Context, urgent bool) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	queue := &t.others
	if urgent {
		queue = &t.urgent
	}
	come := make(chan struct{})
	*queue = append(*queue, come)
	t.mu.Unlock()
	select {
	case <-come:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(*queue, come)
	if i >= 0 {
		*queue = slices.Delete(*queue, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 { // it came at the same moment
		t.give()
	}
	return ctx.Err()
}

// give ends a turn, and lets the next one begin.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	queue := &t.urgent
	if len(*queue) == 0 {
		queue = &t.others
	}
	if len(*queue) == 0 {
		t.taken = false
		return
	}
	close((*queue)[0])
	*queue = (*queue)[1:]
}
