package play

import "sync"

// changes is how those who wait learn that something has changed.
type changes struct {
	mu   sync.Mutex
	next chan struct{} // closed at the next change; nil while nobody waits
}

// wake ends all waits.
func (c *changes) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

// wait returns a channel that is closed at the next change.
func (c *changes) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}
