package queue

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Timer is something that is done at the start, and then regularly. It never runs twice at
// the same time in one process, but in every replica.
type Timer struct {
	Name  string
	Every time.Duration
	Do    func(ctx context.Context) error
}

// logAgainAfter is how often the same error of a timer is logged. More often, it would fill
// the disk, and a full disk may be why the timer fails.
const logAgainAfter = time.Minute

func (t Timer) run(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(t.Every)
	defer ticker.Stop()
	var logged string
	var at time.Time
	for {
		err := recovered(func() error { return t.Do(ctx) })
		switch {
		case err == nil:
			logged = ""
		case ctx.Err() == nil && (err.Error() != logged || time.Since(at) >= logAgainAfter):
			log.Error("timer failed", "timer", t.Name, "error", err)
			logged, at = err.Error(), time.Now()
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
