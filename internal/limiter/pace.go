package limiter

import (
	"cmp"
	"net/http"
	"time"
)

// backoff is how long calls pause after refusals in a row that do not say; at the third try any minute is over.
var backoff = [...]time.Duration{500 * time.Millisecond, 10 * time.Second, 50 * time.Second, time.Minute}

// pace decides when the next call may start. Its times count from the making of the limiter.
type pace struct {
	started, underWay, seen int           // calls; those seen were answered, or may have been seen
	reserved                time.Duration // until when calls of priority High are expected

	// So many calls may start at once; those under way may be in it or not.
	remaining    float64
	burst        int  // the most of it: that was ever stated, else after a rest
	stated       bool // in answers; else it is an estimate
	remainingSeq int  // calls numbered below had started when that was stated
	// Calls beyond that start at a rate.
	limit         int           // calls a minute; 0 if that is neither stated nor known
	rate, fastest float64       // calls a minute; the limit is the fastest rate
	next          time.Duration // when the rate lets one start
	answer        time.Duration // until when the answer to the last one is waited for
	// After a refusal all pause, until a call is accepted.
	pausedUntil time.Duration // 0 without a pause
	probe       time.Duration // when a call of priority High may find out whether it is over
	paused      time.Duration // for how long
	pauseSeq    int           // calls numbered below had started when the pause began
	refusals    int           // in a row

	// Where there is no limit to go by, the rate is measured from one pause to the next.
	resumed, ended time.Duration // when calls were accepted again, or began, and when the last one was over
	counted        int           // those since
	limited        bool          // that calls were refused is no chance
}

// at returns when a call may start, as far as time alone decides. While calls of priority High are expected,
// the others start at three quarters of the rate and leave a quarter of what may start at once.
func (p *pace) at(now time.Duration, pr Priority) time.Duration {
	from, next, left := p.pausedUntil, p.next, p.left(now)
	switch {
	case pr == High:
		from = min(from, p.probe)
	case now < p.reserved && left < float64(1+p.burst/4):
		left, next = 0, next+3*p.interval()
	case now < p.reserved && p.stated:
		return max(from, next)
	}
	if left >= 1 {
		return from
	}
	return max(from, next, p.answer)
}

// left returns how many calls may start at once. What is not stated comes back at the rate while none is made.
func (p *pace) left(now time.Duration) float64 {
	if !p.stated && p.underWay == 0 && p.pausedUntil == 0 && now > p.ended {
		return min(p.remaining+(now-p.ended).Minutes()*p.rate, float64(p.burst))
	}
	return p.remaining - float64(p.underWay)
}

func (p *pace) interval() time.Duration { return time.Duration(float64(time.Minute) / p.rate) }

// start counts a call in whose time has come.
func (p *pace) start(now time.Duration, c *call) {
	if p.underWay == 0 && p.pausedUntil == 0 && now-p.ended > 15*time.Second { // after a rest it begins anew
		p.resumed, p.counted, p.limited = now, 0, false
	}
	left := p.left(now)
	if p.remaining = left + float64(p.underWay); left >= 1 || p.next < now {
		p.next = now
	}
	p.next += p.interval()
	if c.priority == High {
		p.reserved = max(p.reserved, now+time.Second) // in which the next call of a removal follows
	} else if now < p.reserved {
		p.next += p.interval() / 3
		p.remaining -= 1.0 / 3
	}
	if p.stated || p.pausedUntil > 0 {
		p.answer = now + 5*time.Second
	}
	c.seq, p.probe = p.started, now+time.Minute
	p.started++
	p.underWay++
}

// finish counts a call out and learns from its answer. One that was under way when a pause began does not end it.
func (p *pace) finish(now time.Duration, c *call, a Answer) {
	p.underWay--
	p.ended, p.answer = now, 0
	if a.seen() {
		p.seen++
		p.say(now, c, a)
		if a.Status != http.StatusTooManyRequests {
			p.counted++ // one that was under way when a pause began was borne, too
		}
	}
	switch fresh := c.seq >= p.pauseSeq; {
	case fresh && a.Status == http.StatusTooManyRequests:
		p.refusals++
		p.setRate(p.rate * 3 / 4)
		p.pause(now, a)
	case a.RetryAfter > 0:
		p.pause(now, a)
	case fresh && a.Status == 0 && !a.Lost: // it was not made
		p.probe = now
	case fresh && a.Status != 0 && a.Status < http.StatusInternalServerError: // which may come from somebody in between
		p.accept(now)
	}
}

// say takes in what an answer says is left. Of answers to calls that overlap, the least counts.
func (p *pace) say(now time.Duration, c *call, a Answer) {
	switch said := float64(a.Remaining); {
	case a.Limit == 0:
		p.remaining = max(0, p.remaining-1)
	case said <= p.remaining || c.seq >= p.remainingSeq:
		if p.limit != a.Limit {
			p.limit, p.rate, p.fastest, p.burst = a.Limit, float64(a.Limit), float64(a.Limit), 0
			p.next = now + p.interval()
		}
		p.stated, p.burst, p.remaining, p.remainingSeq = true, max(p.burst, a.Remaining), said, p.started
	}
}

// pause keeps all calls back for as long as an answer asks.
func (p *pace) pause(now time.Duration, a Answer) {
	p.paused = min(a.RetryAfter+time.Second, 24*time.Hour) // it is stated in whole seconds
	if a.RetryAfter == 0 {
		p.paused = backoff[min(p.refusals, len(backoff))-1]
	}
	p.limited = p.limited || a.RetryAfter > 0 || p.refusals > 1
	p.pausedUntil, p.probe, p.pauseSeq = max(p.pausedUntil, now+p.paused), now+time.Minute, p.started
}

// accept ends a pause, or speeds up. With no limit to go by, the rate after a pause is three quarters of what was
// borne since the one before; a refusal by chance changes nothing.
func (p *pace) accept(now time.Duration) {
	if p.refusals > 0 && p.limit == 0 {
		if took := now - p.resumed; took < 2*time.Minute && p.limited {
			p.setRate(float64(p.counted) / took.Minutes() * 3 / 4)
		}
		if borne := p.counted * 19 / 20; p.paused > 15*time.Second { // it takes as much at once again
			p.burst, p.remaining = borne, float64(borne)
		} else {
			p.burst = min(cmp.Or(p.burst, borne), borne)
		}
		p.next, p.resumed, p.counted, p.limited = now, now, 0, true
	} else {
		p.setRate(p.rate + 1)
	}
	p.refusals, p.pausedUntil = 0, 0
}

// setRate sets the rate, to 30 calls a minute at least unless the limit is below.
func (p *pace) setRate(r float64) { p.rate = min(max(r, 30), p.fastest) }
