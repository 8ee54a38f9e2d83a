package queue

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Timer is something that is done again and again: at the start, and then after
// every interval.
type Timer struct {
	Name  string
	Every time.Duration
	Do    func(ctx context.Context) error
}

// sayAgain is how often it is logged that a timer still fails in the same way: what
// lasts must not fill the disk, which may be why it fails.
const sayAgain = time.Minute

func (t Timer) run(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(t.Every)
	defer ticker.Stop()
	var logged string
	var at time.Time
	for {
		err := contained(func() error { return t.Do(ctx) })
		switch {
		case err == nil:
			logged = ""
		case ctx.Err() == nil && (err.Error() != logged || time.Since(at) >= sayAgain):
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

// contained turns a panic into an error: a fault in one piece of work must not end
// the others, nor put its own off for as long as River would.
func contained(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return do()
}
