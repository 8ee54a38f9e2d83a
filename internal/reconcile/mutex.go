package reconcile

import (
	"context"
	"sync"
)

// mutex is a lock that one goroutine holds at a time. Unlike with a sync.Mutex, one that waits
// for it may give up.
type mutex struct {
	mu       sync.Mutex
	unlocked chan struct{} // closed by Unlock; nil while nobody holds the lock
}

// Lock waits for the lock, or returns the error of ctx when that ends.
func (m *mutex) Lock(ctx context.Context) error {
	for {
		m.mu.Lock()
		released := m.unlocked
		if released == nil {
			m.unlocked = make(chan struct{})
		}
		m.mu.Unlock()
		if released == nil {
			return nil
		}
		select {
		case <-released:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Unlock gives the lock back.
func (m *mutex) Unlock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.unlocked)
	m.unlocked = nil
}
