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

func (t Timer) run(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(t.Every)
	defer ticker.Stop()
	for {
		if err := t.once(ctx); err != nil && ctx.Err() == nil {
			log.Error("timer failed", "timer", t.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// once contains a panic: a fault in one sweep must not end the others.
func (t Timer) once(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return t.Do(ctx)
}
