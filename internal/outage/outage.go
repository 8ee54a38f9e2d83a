// Package outage says in a log that something does not work: when that begins, now and then while
// it lasts, and when it is over.
package outage

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sayAgainAfter is how often it is said of something that it still does not work. What lasts that
// long, somebody has to look at: it is said as an error.
const sayAgainAfter = time.Hour

// Watch is what is said of things of one kind, each of which has a name. It is safe for use by
// many goroutines.
type Watch struct {
	Log      *slog.Logger
	Level    slog.Level    // of Down in the first hour
	Down, Up string        // the messages
	Patience time.Duration // how long a thing may fail without a break before that is said
	Greets   bool          // whether it is said, too, that a thing works for the first time

	mu      sync.Mutex
	down    map[string]outage
	greeted map[string]bool
}

// outage is about a thing that does not work.
type outage struct {
	since, said time.Time // said is zero as long as it was not
	failures    int
}

// Saw records that a thing works or, with an error, that it does not, and says so where that is
// news. What the log does not take now is said later.
func (w *Watch) Saw(ctx context.Context, name string, err error, attrs ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.fails(ctx, name, append(attrs, "error", err))
	} else {
		w.works(ctx, name, attrs)
	}
}

func (w *Watch) fails(ctx context.Context, name string, attrs []any) {
	o, known := w.down[name]
	if !known {
		o.since = time.Now()
	}
	o.failures++
	level := w.Level
	if time.Since(o.since) >= sayAgainAfter {
		level = slog.LevelError
	}
	due := time.Since(o.since) >= w.Patience && (o.said.IsZero() || time.Since(o.said) >= sayAgainAfter)
	if due && w.Log.Enabled(ctx, level) {
		o.said = time.Now()
	} else {
		level = slog.LevelDebug
	}
	w.Log.Log(ctx, level, w.Down, append(attrs, "failures", o.failures)...) //nolint:sloglint // a constant where the Watch is made
	if w.down == nil {
		w.down = map[string]outage{}
	}
	w.down[name] = o
}

func (w *Watch) works(ctx context.Context, name string, attrs []any) {
	o := w.down[name]
	ends, greets := !o.said.IsZero(), w.Greets && !w.greeted[name]
	if (ends || greets) && !w.Log.Enabled(ctx, slog.LevelError) {
		return // the log takes nothing
	}
	switch {
	case ends:
		w.Log.InfoContext(ctx, w.Up, append(attrs, "after", time.Since(o.since).Round(time.Second), "failures", o.failures)...) //nolint:sloglint // as above
	case greets:
		w.Log.InfoContext(ctx, w.Up, attrs...) //nolint:sloglint // as above
	}
	delete(w.down, name)
	if w.greeted == nil {
		w.greeted = map[string]bool{}
	}
	if w.Greets {
		w.greeted[name] = true
	}
}
