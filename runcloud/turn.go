package runcloud

import (
	"context"
	"sync"
)

type turnKey struct{}

// turn is leave to start one call, taken before the call is made.
type turn struct {
	limiter *Limiter
	ticket  ticket
	mu      sync.Mutex
	spent   bool
}

// Turn waits for leave to start one call and answers a context that carries it: the first request made
// with it does not wait any more, further ones do. It lets a caller look, after the wait and right
// before the call, whether the call is still wanted. release gives back a turn that was not used; it
// must be called, and may be called more than once.
func (l *Limiter) Turn(ctx context.Context) (withTurn context.Context, release func(), err error) {
	call, err := l.acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	t := &turn{limiter: l, ticket: call}
	release = func() {
		if t.take() {
			l.release(t.ticket, outcome{rate: noRate()})
		}
	}
	return context.WithValue(ctx, turnKey{}, t), release, nil
}

// take tells whether the turn was still to be had, and spends it.
func (t *turn) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	had := !t.spent
	t.spent = true
	return had
}

// enter takes the turn that ctx carries, or waits for one.
func (l *Limiter) enter(ctx context.Context) (ticket, error) {
	t, _ := ctx.Value(turnKey{}).(*turn)
	if t == nil || t.limiter != l || !t.take() {
		return l.acquire(ctx)
	}
	if err := ctx.Err(); err != nil {
		l.release(t.ticket, outcome{rate: noRate()})
		return ticket{}, err
	}
	return t.ticket, nil
}
