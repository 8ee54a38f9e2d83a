package runcloud

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Limiter decides when a call may start. One limiter belongs to one workspace token; share it between
// all clients that use the token. It learns the limit from the answers:
//
//   - Nothing is slowed down until an answer states a limit, or is a 429.
//   - From then on no minute sees more calls than the limit, wherever RunCloud's own minute begins and
//     whether it slides or not; what an answer says to be left over may be used at once.
//   - Calls of priority [High] may use all of that. All others are spread over the minute, so that
//     a removal never finds the whole budget spent by additions; while high calls run, a quarter is
//     left to them.
//   - After a 429 nothing starts before its Retry-After or X-RateLimit-Reset is over; or, without
//     them, before the current minute is when the budget is spent, and for some seconds when it is not;
//     longer each time that this was not enough. Where that takes more than a minute, one call of
//     priority [High] a minute finds out whether it is over already.
//
// Waiting calls are served by priority, and in their order within a priority. The zero value is not
// usable; see [NewLimiter].
type Limiter struct {
	inFlight int

	mu     sync.Mutex
	budget budget
	calls  int
	queues [priorities][]*waiter // the highest first
	timer  *time.Timer
}

type waiter struct {
	priority Priority
	ready    chan ticket
}

// NewLimiter makes a limiter that lets at most inFlight calls run at the same time, and a quarter more
// of priority [High], so that calls which hang do not hold up removals; 0 is any number.
func NewLimiter(inFlight int) *Limiter { return &Limiter{inFlight: inFlight} }

// LimiterState is a look at a [Limiter], good for estimating how long some calls will take.
type LimiterState struct {
	Limit     int       // calls a minute; 0 if none is known
	Remaining int       // calls that may start now; -1 if no limit is known
	Until     time.Time // when the next call may start; zero if now, or as soon as one ends
	Waiting   int
	InFlight  int
	Calls     int           // that RunCloud has answered, or may have, since the start
	Pause     time.Duration // for so long RunCloud wants no calls; 0 if it takes them
}

// State tells what the limiter knows now.
func (l *Limiter) State() LimiterState {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	s := LimiterState{
		Remaining: l.budget.left(now),
		InFlight:  l.budget.inFlight,
		Calls:     l.calls,
	}
	for _, q := range l.queues {
		s.Waiting += len(q)
	}
	s.Limit = l.budget.limit
	if at, ok := l.budget.next(now, Normal); ok && at.After(now) {
		s.Until = at
	}
	s.Pause = max(0, l.budget.paused.Sub(now))
	return s
}

// acquire waits for leave to start a call, which release must end. A canceled wait leaves no trace.
func (l *Limiter) acquire(ctx context.Context) (ticket, error) {
	if err := ctx.Err(); err != nil {
		return ticket{}, err
	}
	w := &waiter{priority: priorityOf(ctx), ready: make(chan ticket, 1)}
	l.mu.Lock()
	q := queueOf(w.priority)
	l.queues[q] = append(l.queues[q], w)
	l.dispatch()
	l.mu.Unlock()
	select {
	case t := <-w.ready:
		return t, nil
	case <-ctx.Done():
		l.abandon(w)
		return ticket{}, ctx.Err()
	}
}

// abandon takes w out of its queue, or hands back the leave that it was given meanwhile.
func (l *Limiter) abandon(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case t := <-w.ready:
		l.budget.finish(t, time.Now(), outcome{rate: noRate()})
	default:
		q := queueOf(w.priority)
		l.queues[q] = slices.DeleteFunc(l.queues[q], func(o *waiter) bool { return o == w })
	}
	l.dispatch()
}

// release ends a call and gives how long the next one will have to wait after a refusal.
func (l *Limiter) release(t ticket, out outcome) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if out.counted || out.status != 0 {
		l.calls++
	}
	l.budget.finish(t, now, out)
	l.dispatch()
	return max(0, l.budget.paused.Sub(now))
}

// dispatch starts as many waiting calls as may start now, and sets the timer for the next one.
func (l *Limiter) dispatch() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	for q := l.head(); q >= 0 && !l.full(l.queues[q][0].priority); q = l.head() {
		now, w := time.Now(), l.queues[q][0]
		if !l.budget.room(now, w.priority) {
			if at, ok := l.budget.next(now, w.priority); ok {
				l.timer = time.AfterFunc(at.Sub(now), l.wake)
			}
			return
		}
		l.queues[q] = l.queues[q][1:]
		w.ready <- l.budget.start(now, w.priority)
	}
}

func (l *Limiter) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatch()
}

// head is the queue to serve next, or -1.
func (l *Limiter) head() int {
	return slices.IndexFunc(l.queues[:], func(q []*waiter) bool { return len(q) > 0 })
}

func (l *Limiter) full(p Priority) bool {
	most := l.inFlight
	if p >= High {
		most += max(1, l.inFlight/4)
	}
	return l.inFlight > 0 && l.budget.inFlight >= most
}

func queueOf(p Priority) int { return int(High - min(max(p, Low), High)) }
