package runcloud

import "context"

// Priority orders the calls that wait for the [Limiter].
type Priority int

const (
	// Normal is the priority of every call that says nothing.
	Normal Priority = iota
	// High is served before Normal, always. It is meant for taking access away.
	High
)

type priorityKey struct{}

// WithPriority gives the calls made with ctx a priority.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

func priorityOf(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return p
}
