package queue

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"sshkeybot/internal/outage"
)

// Timer is something that is done at the start, and then regularly. It never runs twice at
// the same time in one process, but in every replica.
type Timer struct {
	Name  string
	Every time.Duration
	Do    func(ctx context.Context) error
}

func (t Timer) run(ctx context.Context, watch *outage.Watch) {
	ticker := time.NewTicker(t.Every)
	defer ticker.Stop()
	for {
		if err := recovered(func() error { return t.Do(ctx) }); ctx.Err() == nil {
			watch.Saw(ctx, t.Name, err, "timer", t.Name)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// recovered returns the error of do, or a panic of it as an error. A panic in a timer would
// end the process, and one in a job would make River wait longer before each next try.
func recovered(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return do()
}
