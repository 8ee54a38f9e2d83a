package runcloud

import "context"

// Priority orders the calls that wait for the [Limiter].
type Priority int

// Calls of a priority are served before all of a lower one, always.
const (
	// Low is meant for reading that nobody waits for.
	Low Priority = iota - 1
	// Normal is the priority of every call that says nothing.
	Normal
	// Elevated is meant for keeping access that would lapse.
	Elevated
	// High is meant for taking access away.
	High
)

const priorities = int(High-Low) + 1

type priorityKey struct{}

// WithPriority gives the calls made with ctx a priority.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

func priorityOf(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return p
}
