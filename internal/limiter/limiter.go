// Package limiter paces the calls to an API that takes only so many.
//
// A [Limiter] learns from the answers, and assumes nothing of how the API counts:
//
//   - Nothing waits while what is asked for fits into what an answer says is left, nor before an answer
//     states a limit or is a 429, unless a limit is known beforehand ([NewWithLimit]).
//   - Beyond that, calls start at a rate. Each call that is accepted adds one a minute to it, each refusal
//     takes a quarter away; where no answer states a limit, it is measured between refusals.
//   - A refusal pauses all calls for as long as it asks; if it does not say, for half a second, and
//     longer each time that this was not enough. During a long pause one call of priority [High] a
//     minute finds out whether it is over already.
//   - Waiting calls start strictly by priority, and in their order within one. While calls of priority
//     [High] are under way or announced by [Limiter.Reserve], the others start at three quarters of the
//     rate and leave a quarter of what is left.
package limiter

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Priority orders the calls that wait.
type Priority int

// Calls of a priority start before all of a lower one.
const (
	Low      Priority = iota - 1 // reading that nobody waits for
	Normal                       // every call that says nothing
	Elevated                     // keeping access that would lapse
	High                         // taking access away
)

type priorityKey struct{}

// WithPriority returns a context whose calls have that priority.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// Answer is what a call came to, as far as it concerns the limit. The zero value is that of a call which
// was not made.
type Answer struct {
	Status     int           // of HTTP; 0 if there was no answer
	Lost       bool          // there was none, but the API may have seen the call
	Limit      int           // calls a minute; 0 if not stated
	Remaining  int           // calls left of Limit, if that is stated
	RetryAfter time.Duration // 0 if not stated
	Reset      time.Duration // until there are calls left again; 0 if not stated
}

// Limiter decides when a call may start. All clients of one account share one. It is safe for use by many
// goroutines. Make it with [New].
type Limiter struct {
	inFlight int
	made     time.Time

	mu    sync.Mutex
	pace  pace
	queue []*waiter // the next first
	timer *time.Timer
}

type waiter struct {
	priority Priority
	leave    chan ticket
}

// New returns a limiter that lets at most inFlight calls run at the same time, and a quarter more of
// priority [High], so that calls which hang do not hold those up; 0 is any number.
func New(inFlight int) *Limiter { return &Limiter{inFlight: inFlight, made: time.Now()} }

// NewWithLimit returns a limiter like [New] for an API whose limit is known beforehand and not stated in
// its answers: at most burst calls start at once, and perMinute a minute beyond that. A refusal slows it
// down, and what is accepted later speeds it up again, to perMinute at most.
func NewWithLimit(inFlight, perMinute, burst int) *Limiter {
	l := New(inFlight)
	l.pace = pace{rate: perMinute, fastest: perMinute, burst: max(1, burst)}
	l.pace.next = -time.Duration(l.pace.burst) * l.pace.interval() // rested
	return l
}

// Reserve announces calls of priority [High] for the next d. It takes the place of what was announced
// before; with 0 none are.
func (l *Limiter) Reserve(d time.Duration) {
	l.update(func(now time.Duration) { l.pace.reserved = now + d })
}

// Count counts a call that was made without leave, because another one that has leave could not go on
// without it. Those that follow wait the longer.
func (l *Limiter) Count(a Answer) { l.update(func(now time.Duration) { l.pace.count(now, a) }) }

// State is what a [Limiter] knows at a moment.
type State struct {
	Limit    int           // calls a minute; 0 if it is not known and no answer has stated any
	Pause    time.Duration // for so long no calls start; 0 if they do
	Waiting  int
	InFlight int
	Calls    int // that were answered, or may have been seen, since the start
}

// State returns what the limiter knows now.
func (l *Limiter) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return State{cmp.Or(l.pace.limit, l.pace.fastest), max(0, l.pace.pausedUntil-time.Since(l.made)), len(l.queue), l.pace.underWay, l.pace.seen}
}

// leave to make one call.
type leave struct {
	ticket
	used atomic.Bool
}

// Acquire waits for leave to make one call and returns a context that carries it: the first call made
// with it does not wait any more, further ones do. It lets a caller look, after the wait and right
// before the call, whether the call is still wanted. release gives back a leave that was not used; it
// must be called, and may be called more than once.
func (l *Limiter) Acquire(ctx context.Context) (withLeave context.Context, release func(), err error) {
	t, err := l.wait(ctx)
	if err != nil {
		return nil, nil, err
	}
	g := &leave{ticket: t}
	release = func() {
		if g.used.CompareAndSwap(false, true) {
			l.finish(t, Answer{})
		}
	}
	return context.WithValue(ctx, l, g), release, nil
}

// Do makes a call when it may start: at once with the leave that ctx carries from [Limiter.Acquire], unless
// that is used up. An error is that of ctx, and the call was not made.
func (l *Limiter) Do(ctx context.Context, call func() Answer) error {
	g, _ := ctx.Value(l).(*leave)
	if g == nil || !g.used.CompareAndSwap(false, true) {
		t, err := l.wait(ctx)
		if err != nil {
			return err
		}
		g = &leave{ticket: t}
	}
	var a Answer
	defer func() { l.finish(g.ticket, a) }()
	if err := ctx.Err(); err != nil {
		return err
	}
	a = call()
	return nil
}

// wait leaves no trace when ctx ends.
func (l *Limiter) wait(ctx context.Context) (ticket, error) {
	if err := ctx.Err(); err != nil {
		return ticket{}, err
	}
	p, _ := ctx.Value(priorityKey{}).(Priority)
	w := &waiter{p, make(chan ticket, 1)}
	l.update(func(time.Duration) {
		i := len(l.queue)
		for i > 0 && l.queue[i-1].priority < p {
			i--
		}
		l.queue = slices.Insert(l.queue, i, w)
	})
	select {
	case t := <-w.leave:
		return t, nil
	case <-ctx.Done():
	}
	l.update(func(now time.Duration) {
		if i := slices.Index(l.queue, w); i >= 0 {
			l.queue = slices.Delete(l.queue, i, i+1)
		} else {
			l.pace.finish(<-w.leave, now, Answer{})
		}
	})
	return ticket{}, ctx.Err()
}

func (l *Limiter) finish(t ticket, a Answer) {
	l.update(func(now time.Duration) { l.pace.finish(t, now, a) })
}

// update makes a change, starts as many waiting calls as may start then, and sets the timer for the next.
func (l *Limiter) update(change func(now time.Duration)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.made)
	change(now)
	if l.timer != nil {
		l.timer.Stop()
	}
	for len(l.queue) > 0 && !l.full(l.queue[0].priority) {
		w := l.queue[0]
		if at := l.pace.at(now, w.priority); at > now {
			l.timer = time.AfterFunc(at-now, func() { l.update(func(time.Duration) {}) })
			return
		}
		l.queue = l.queue[1:]
		w.leave <- l.pace.start(now, w.priority)
	}
}

func (l *Limiter) full(p Priority) bool {
	most := l.inFlight
	if p == High {
		most += max(1, l.inFlight/4)
	}
	return l.inFlight > 0 && l.pace.underWay >= most
}
