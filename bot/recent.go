package bot

import (
	"maps"
	"sync"
	"time"
)

// recent remembers keys for some time. The zero value is ready for use.
type recent[K comparable] struct {
	mu   sync.Mutex
	seen map[K]time.Time
}

// first reports whether a key was not seen within that time, and remembers it.
func (r *recent[K]) first(key K, now time.Time, within time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.seen, func(_ K, when time.Time) bool { return now.Sub(when) > within })
	_, lately := r.seen[key]
	if r.seen == nil {
		r.seen = map[K]time.Time{}
	}
	r.seen[key] = now
	return !lately
}
