package store

import (
	"context"
	"time"
)

// Timing is how long a transaction took. Those of River, which has the same database, have none.
type Timing struct {
	Writes bool
	Waited time.Duration // until it could begin: for others that write, or for a connection
	Took   time.Duration // from then on
}

// measure runs a transaction and reports its Timing.
func (s *Store) measure(ctx context.Context, run func(context.Context, func(*tx) error) error, writes bool, fn func(*tx) error) error {
	if s.timed == nil {
		return run(ctx, fn)
	}
	asked := time.Now()
	var began time.Time
	err := run(ctx, func(t *tx) error {
		began = time.Now()
		return fn(t)
	})
	ended := time.Now()
	if began.IsZero() { // it gave up waiting
		began = ended
	}
	s.timed(Timing{writes, began.Sub(asked), ended.Sub(began)})
	return err
}
