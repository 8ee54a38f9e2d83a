// Package lock provides a mutex for which a goroutine can stop waiting, and can wait ahead of others.
package lock

import (
	"context"
	"slices"
	"sync"
)

// A Mutex is held by one goroutine at a time, in the order in which they come, but the urgent ones
// before all others. Its zero value is unlocked.
type Mutex struct {
	mu             sync.Mutex
	held           bool
	urgent, others []chan struct{} // each is closed when its turn has come
}

// Lock waits for the lock, or returns the error of ctx when that ends.
func (m *Mutex) Lock(ctx context.Context) error {
	return m.lock(ctx, &m.others)
}

// LockUrgent is like [Mutex.Lock], and goes before all who wait in that.
func (m *Mutex) LockUrgent(ctx context.Context) error {
	return m.lock(ctx, &m.urgent)
}

func (m *Mutex) lock(ctx context.Context, queue *[]chan struct{}) error {
	m.mu.Lock()
	if !m.held {
		m.held = true
		m.mu.Unlock()
		return nil
	}
	come := make(chan struct{})
	*queue = append(*queue, come)
	m.mu.Unlock()
	select {
	case <-come:
		return nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	i := slices.Index(*queue, come)
	if i >= 0 {
		*queue = slices.Delete(*queue, i, i+1)
	}
	m.mu.Unlock()
	if i < 0 { // it came at the same moment
		m.Unlock()
	}
	return ctx.Err()
}

// Unlock gives the lock to the next one.
func (m *Mutex) Unlock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	queue := &m.urgent
	if len(*queue) == 0 {
		queue = &m.others
	}
	if len(*queue) == 0 {
		m.held = false
		return
	}
	close((*queue)[0])
	*queue = (*queue)[1:]
}
