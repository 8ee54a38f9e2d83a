// Package limiter paces the calls to an API that takes only so many, by what its answers say and come to:
//
//   - Nothing waits while what is asked for fits into what an answer says is left, nor before an answer
//     states a limit or is a 429. Beyond that, calls start at a rate: each that is accepted adds one a
//     minute, each refusal takes a quarter away; where no limit is stated, it is measured between refusals.
//   - A refusal pauses all calls for as long as it asks, or ever longer if it does not say. Then one call
//     asks; during a long pause one of priority [High] does so every minute.
//   - Calls start strictly by priority. For a second after one of priority [High] started, and while
//     [Limiter.Reserve] announces some, the others leave them a quarter.
package limiter

import (
	"cmp"
	"context"
	"math"
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

// Answer is what a call came to. The zero value is that of a call which was not made.
type Answer struct {
	Status     int           // of HTTP; 0 if there was no answer
	Lost       bool          // there was none, but the API may have seen the call
	Limit      int           // calls a minute; 0 if not stated
	Remaining  int           // calls left of Limit, if that is stated
	RetryAfter time.Duration // until calls are taken again; 0 if not stated
}

// seen reports whether the API has answered the call, or may have seen it.
func (a Answer) seen() bool { return a.Status != 0 || a.Lost }

// Watcher is told what the calls of a [Limiter] come to. It must not call that limiter.
type Watcher struct {
	Waited   func(p Priority, d time.Duration) // until a call had leave, or gave up
	Answered func(Answer)                      // to a call that was answered, or may have been seen
}

// Limiter decides when calls to an account may start. It is safe for concurrent use. Make it with [New].
type Limiter struct {
	inFlight int
	made     time.Time
	watcher  Watcher
	mu       sync.Mutex // guards the others
	pace     pace
	queue    []*call // the next first
	timer    *time.Timer
}

// call is one that waits, or has leave.
type call struct {
	priority Priority
	seq      int           // of those that started, from 0
	leave    chan struct{} // closed when it may start
	used     atomic.Bool   // the leave, where it was acquired beforehand
}

// New returns a limiter that lets at most inFlight calls run at the same time, and a quarter more of
// priority [High], so that calls which hang do not hold those up; 0 is any number.
func New(inFlight int) *Limiter { return NewWithLimit(inFlight, 0, 0) }

// NewWithLimit returns a limiter like [New] for an API whose limit is known beforehand and not stated in
// its answers: at most burst calls start at once, and perMinute a minute beyond that, or fewer after a refusal.
func NewWithLimit(inFlight, perMinute, burst int) *Limiter {
	fastest := cmp.Or(float64(perMinute), math.Inf(1))
	return &Limiter{inFlight: inFlight, made: time.Now(), pace: pace{limit: perMinute, fastest: fastest, rate: fastest, burst: burst, remaining: float64(burst)}}
}

// Watch has w called, whose fields must be set. It must be called before the first call is made.
func (l *Limiter) Watch(w Watcher) { l.watcher = w }

// Reserve announces calls of priority [High] for the next d, in place of what was announced before.
func (l *Limiter) Reserve(d time.Duration) {
	l.update(func(now time.Duration) { l.pace.reserved = now + d })
}

// Count counts a call that was made without leave, because another one that has leave could not go on
// without it. Those that follow wait the longer.
func (l *Limiter) Count(a Answer) {
	var c call
	l.update(func(now time.Duration) { l.pace.start(now, &c); l.pace.finish(now, &c, a) })
	l.answered(a)
}

func (l *Limiter) answered(a Answer) {
	if l.watcher.Answered != nil && a.seen() {
		l.watcher.Answered(a)
	}
}

func (l *Limiter) waited(p Priority, since time.Time) {
	if l.watcher.Waited != nil {
		l.watcher.Waited(p, time.Since(since))
	}
}

// State is what a [Limiter] knows at a moment.
type State struct {
	Limit             int           // calls a minute; 0 if it is not known and no answer has stated any
	Pause             time.Duration // for so long no calls start; 0 if they do
	Waiting, InFlight int
	Calls             int // that were answered, or may have been seen, since the start
}

// State returns what the limiter knows now.
func (l *Limiter) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return State{l.pace.limit, max(0, l.pace.pausedUntil-time.Since(l.made)), len(l.queue), l.pace.underWay, l.pace.seen}
}

// Acquire waits for leave to make one call, so that a caller can look right before it whether it is still
// wanted. The first call made with the context that is returned does not wait any more, further ones do.
// release gives back a leave that was not used; it must be called, and may be called more than once.
func (l *Limiter) Acquire(ctx context.Context) (withLeave context.Context, release func(), err error) {
	c, err := l.wait(ctx)
	if err != nil {
		return nil, nil, err
	}
	return context.WithValue(ctx, l, c), func() {
		if !c.used.Swap(true) {
			l.update(func(now time.Duration) { l.pace.finish(now, c, Answer{}) })
		}
	}, nil
}

// Do makes a call when it may start: at once with the leave that ctx carries from [Limiter.Acquire], unless
// that is used up. An error is that of ctx, and the call was not made.
func (l *Limiter) Do(ctx context.Context, do func() Answer) (err error) {
	c, _ := ctx.Value(l).(*call)
	if c == nil || c.used.Swap(true) {
		if c, err = l.wait(ctx); err != nil {
			return err
		}
	}
	var a Answer
	defer func() {
		l.update(func(now time.Duration) { l.pace.finish(now, c, a) })
		l.answered(a)
	}()
	if err = ctx.Err(); err == nil {
		a = do()
	}
	return err
}

// wait leaves no trace when ctx ends.
func (l *Limiter) wait(ctx context.Context) (*call, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := &call{leave: make(chan struct{})}
	c.priority, _ = ctx.Value(priorityKey{}).(Priority)
	defer l.waited(c.priority, time.Now())
	l.update(func(time.Duration) {
		l.queue = append(l.queue, c)
		slices.SortStableFunc(l.queue, func(a, b *call) int { return cmp.Compare(b.priority, a.priority) })
	})
	select {
	case <-c.leave:
		return c, nil
	case <-ctx.Done():
	}
	l.update(func(now time.Duration) {
		if i := slices.Index(l.queue, c); i >= 0 {
			l.queue = slices.Delete(l.queue, i, i+1)
		} else { // leave came at the same moment
			l.pace.finish(now, c, Answer{})
		}
	})
	return nil, ctx.Err()
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
	for len(l.queue) > 0 {
		c, most := l.queue[0], l.inFlight
		if c.priority == High {
			most += max(1, l.inFlight/4)
		}
		if l.inFlight > 0 && l.pace.underWay >= most {
			return
		}
		if at := l.pace.at(now, c.priority); at > now {
			l.timer = time.AfterFunc(at-now, func() { l.update(func(time.Duration) {}) })
			return
		}
		l.queue = l.queue[1:]
		l.pace.start(now, c)
		close(c.leave)
	}
}
