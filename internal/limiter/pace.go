package limiter

import (
	"net/http"
	"time"
)

const (
	slowest   = 30               // calls a minute
	recent    = 2 * time.Minute  // refusals so close to each other are no chance
	longPause = 15 * time.Second // a pause after which as much is taken at once as was before it
	patience  = 5 * time.Second  // an answer that takes longer is not waited for
	highGap   = time.Second / 4  // in which the next call of a removal follows
	rounding  = time.Second      // stated times are whole seconds
	maxPause  = 24 * time.Hour
)

// backoff is how long calls pause after one, two and more refusals in a row that do not say how long.
// One by chance costs half a second; at the third try any minute is over.
var backoff = [...]time.Duration{500 * time.Millisecond, 10 * time.Second, 50 * time.Second, time.Minute}

// pace decides when the next call may start. Its times count from the making of the limiter.
type pace struct {
	started, underWay, high int // calls; high is those of underWay with priority High
	seen                    int // calls that were answered, or may have been seen

	// What answers say is left; calls under way may be in it or not.
	limit        int           // calls a minute; 0 while none is stated
	remaining    int           // less what ended since without a word
	remainingSeq int           // calls numbered below had started when that was said
	peak         int           // of remaining when it rose last
	reserved     time.Duration // until when calls of priority High are expected

	// Calls beyond that start at a rate.
	rate    int           // a minute; 0 is any
	fastest int           // the highest rate; 0 is any
	burst   int           // calls that may start at once after a rest, where fastest is set
	next    time.Duration // when the rate lets one start
	answer  time.Duration // until when the answer to the last one is waited for

	// After a refusal all pause.
	pausedUntil time.Duration // when calls start again
	probe       time.Duration // when one of priority High may find out whether they could already
	pauseSeq    int           // calls numbered below had started when the pause began
	refusals    int           // in a row; one that says how long counts twice

	// Where no answer states a limit, the rate is measured from one pause to the next.
	resumed time.Duration // when calls were accepted again, or began
	counted int           // calls since then
	limited bool          // there was a pause before
	ended   time.Duration // when the last call did
}

// ticket is a call under way.
type ticket struct {
	seq   int
	high  int
	probe bool
}

// at returns when a call may start, as far as time alone decides. While calls of priority High are under
// way or expected, the others start at three quarters of the rate, and at one quarter when no more than a
// quarter of a stated limit is left.
func (p *pace) at(now time.Duration, pr Priority) time.Duration {
	from, next, left := p.pausedUntil, p.next, p.remaining-p.underWay
	switch {
	case pr == High:
		from = min(from, p.probe)
	case p.yields(now):
		gap := p.yielded()
		if left -= p.peak / 4; left <= 0 && p.limit > 0 {
			gap = 3 * p.interval()
		}
		if next += gap; left > 0 {
			return max(from, next)
		}
	}
	if left > 0 {
		return from
	}
	return max(from, next, p.answer)
}

// yields reports whether calls of priority High are under way or expected.
func (p *pace) yields(now time.Duration) bool { return p.high > 0 || now < p.reserved }

func (p *pace) interval() time.Duration {
	if p.rate == 0 {
		return 0
	}
	return time.Minute / time.Duration(p.rate)
}

// yielded returns how much later than it could a call starts that yields: by a third of the usual gap, or when
// a quarter of a known burst is left.
func (p *pace) yielded() time.Duration {
	if p.fastest > 0 {
		return time.Duration(p.burst/4) * p.interval()
	}
	return p.interval() / 3
}

// start counts a call in whose time has come.
func (p *pace) start(now time.Duration, pr Priority) ticket {
	t := ticket{seq: p.started, probe: now < p.pausedUntil}
	if pr == High {
		t.high = 1
	}
	if t.probe {
		p.probe = now + time.Minute
	}
	if p.underWay == 0 && p.refusals == 0 && now-p.ended > longPause {
		p.resumed, p.counted = now, 0
	}
	yields := pr != High && p.yields(now)
	switch {
	case p.fastest > 0:
		p.next = max(p.next, now-time.Duration(p.burst-1)*p.interval())
		if yields {
			p.next += p.interval() / 3
		}
	case p.limit > 0 || yields:
		p.next = now // else what was not used may be used later
	}
	p.next += p.interval()
	if p.limit > 0 || p.refusals > 0 {
		p.answer = now + patience
	}
	p.started++
	p.underWay++
	p.high += t.high
	return t
}

// count counts a call that did not wait for its time.
func (p *pace) count(now time.Duration, a Answer) {
	t := ticket{seq: p.started}
	p.next += p.interval()
	p.started++
	p.underWay++
	p.finish(t, now, a)
}

// finish counts a call out and learns from its answer.
func (p *pace) finish(t ticket, now time.Duration, a Answer) {
	p.underWay--
	p.high -= t.high
	if t.high > 0 {
		p.reserved = max(p.reserved, now+highGap)
	}
	p.ended = now
	if a.Status != 0 || a.Lost {
		p.seen++
	}
	p.say(t, a)
	fresh := t.seq >= p.pauseSeq
	if fresh {
		p.answer = 0
	}
	switch {
	case a.Status == http.StatusTooManyRequests:
		p.refuse(t, now, a)
	case a.Status == http.StatusServiceUnavailable && a.RetryAfter > 0:
		p.pause(now, a.RetryAfter+rounding)
	case fresh && a.Status != 0 && a.Status < http.StatusInternalServerError: // which may come from somebody in between
		p.accept(now)
	case t.probe && a.Status == 0 && !a.Lost:
		p.probe = now // it was not made
	}
	if p.limit > 0 && p.remaining <= p.underWay {
		p.next = max(p.next, now+p.interval())
	}
	if a.Reset > 0 && p.remaining == 0 {
		p.pause(now, a.Reset+rounding)
	}
}

// say takes in what an answer says is left. Of answers to calls that overlap, the least counts.
func (p *pace) say(t ticket, a Answer) {
	counted := a.Lost || a.Status != 0 && a.Status != http.StatusTooManyRequests
	if counted {
		p.counted++
	}
	switch {
	case a.Limit > 0 && (a.Remaining <= p.remaining || t.seq >= p.remainingSeq):
		if p.limit != a.Limit {
			p.limit, p.rate = a.Limit, a.Limit
		}
		if a.Remaining > p.remaining {
			p.peak = a.Remaining
		}
		p.remaining, p.remainingSeq = a.Remaining, p.started
	case a.Limit == 0 && counted:
		p.remaining = max(0, p.remaining-1)
	}
}

// refuse pauses and slows down. A call that was under way when a pause began adds to that only what it
// says itself. One of priority High is expected again.
func (p *pace) refuse(t ticket, now time.Duration, a Answer) {
	fresh, wait := t.seq >= p.pauseSeq, max(a.RetryAfter, a.Reset)
	if fresh {
		p.refusals++
		p.next = now
		p.rate = max(p.rate*3/4, min(p.rate, slowest))
	}
	switch {
	case wait > 0:
		p.refusals++
		p.pause(now, wait+rounding)
	case fresh:
		p.pause(now, backoff[min(p.refusals, len(backoff))-1])
	}
	if t.high > 0 {
		p.reserved = max(p.reserved, min(p.pausedUntil, p.probe)+patience)
	}
}

func (p *pace) pause(now, d time.Duration) {
	p.pausedUntil = max(p.pausedUntil, now+min(d, maxPause))
	p.probe = max(p.probe, now+time.Minute)
	p.pauseSeq = p.started
}

// accept ends a pause, or speeds up.
func (p *pace) accept(now time.Duration) {
	switch {
	case p.limit > 0:
		p.rate = min(p.rate+1, p.limit)
	case p.refusals > 0:
		p.measure(now)
	case p.rate > 0 && p.next > now:
		p.rate = p.capped(p.rate + 1)
	}
	p.refusals, p.pausedUntil = 0, 0
}

// measure sets the rate to three quarters of what was borne since calls resumed last, until now. A refusal
// by chance changes nothing.
func (p *pace) measure(now time.Duration) {
	took, paused := now-p.resumed, now-p.next
	if took < recent && (p.limited || p.refusals > 1) {
		p.rate = p.capped(max(slowest, int(time.Duration(p.counted)*time.Minute/took)*3/4))
	}
	if p.next = now; paused > longPause {
		p.next -= time.Duration(p.counted*19/20) * p.interval()
	}
	p.resumed, p.counted, p.limited = now, 0, true
}

// capped returns the rate, or the highest one if that is lower.
func (p *pace) capped(rate int) int {
	if p.fastest > 0 {
		return min(rate, p.fastest)
	}
	return rate
}
