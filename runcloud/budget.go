package runcloud

import (
	"net/http"
	"time"
)

// RunCloud counts calls per minute (RunCloud API v2 intro page) but does not say when its minute
// begins. Everything here therefore counts in any minute whatsoever.
const (
	window   = time.Minute
	slack    = time.Second // RunCloud's times are whole seconds
	maxPause = 24 * time.Hour
)

// budget is the arithmetic of a [Limiter]: how many calls may start. It knows no locks and no clock.
//
// Two sources say that a call is free, and either is enough. One is our own record: a call that
// ended more than a minute ago has left any window, so limit minus the rest is free. The other is
// RunCloud's word: an answer with so much remaining proves it, minus those calls of ours that this
// number may not contain. The best proof is kept, and each new call takes one from it.
//
// With neither left, one single call, the probe, may start when RunCloud's announced reset has
// passed; its answer proves the rest.
type budget struct {
	limit    int       // 0: unknown
	guessed  time.Time // when a guessed limit is forgotten; zero if RunCloud stated it
	spent    []spend   // calls that ended within the last minute, oldest first
	sum      int       // of spent
	started  int64
	inFlight int
	high     int // of inFlight
	proven   int
	newest   int64     // the youngest call that proved something
	probe    time.Time // when a probe may start; zero: never
	pace     time.Time // when the spread of calls that are not high is even again

	paused   time.Time
	knock    time.Time // when a high call may find out, in spite of that, whether it is over
	pausedBy int64     // calls numbered below were under way when the pause began
	strikes  int       // refusals in a row
	minute   minute
}

// spend is a number of calls that RunCloud may have counted until at. Calls of others, which the
// numbers of an answer give away, are among them.
type spend struct {
	at time.Time
	n  int
}

// ticket is a call under way.
type ticket struct {
	seq     int64
	overlap int // calls under way when it started
	probe   bool
	knock   bool
	high    bool
}

// room tells whether a call may start now.
func (b *budget) room(now time.Time, p Priority) bool {
	b.forget(now)
	switch {
	case now.Before(b.paused):
		return p >= High && !now.Before(b.knock)
	case b.limit == 0:
		return true
	case p < High && now.Before(b.even()):
		return false
	}
	return b.free() > b.reserve(p) || !b.probe.IsZero() && !now.Before(b.probe)
}

// next is when room may change by time alone; false if only the end of a call can change it.
func (b *budget) next(now time.Time, p Priority) (time.Time, bool) {
	b.forget(now)
	if now.Before(b.paused) && p >= High {
		return later(earlier(b.knock, b.paused), now), true
	}
	at := now
	if b.limit > 0 && b.free() <= b.reserve(p) {
		at = earlier(b.leaves(b.limit-b.reserve(p)), b.probe)
		if at.IsZero() {
			return at, false
		}
	}
	if b.limit > 0 && p < High {
		at = later(at, b.even())
	}
	return later(later(at, b.paused), now), true
}

// left is how many calls may start, or -1 if that is not limited.
func (b *budget) left(now time.Time) int {
	b.forget(now)
	switch {
	case now.Before(b.paused):
		return 0
	case b.limit == 0:
		return -1
	}
	return max(0, b.free())
}

// start counts a call in. Callers have asked room before.
func (b *budget) start(now time.Time, p Priority) ticket {
	t := ticket{seq: b.started, overlap: b.inFlight, probe: b.limit > 0 && b.free() <= 0, high: p >= High}
	if t.probe {
		b.probe = time.Time{}
	}
	if t.knock = now.Before(b.paused); t.knock {
		b.knock = now.Add(window)
	}
	b.started++
	b.inFlight++
	if t.high {
		b.high++
	}
	b.proven = max(0, b.proven-1)
	if b.limit > 0 && p < High {
		b.pace = later(b.pace, now).Add(b.interval())
	}
	return t
}

// finish counts a call out and learns from its answer.
func (b *budget) finish(t ticket, now time.Time, out outcome) {
	b.forget(now)
	b.inFlight--
	if t.high {
		b.high--
	}
	if out.counted {
		b.spend(now, 1)
		b.minute.count(now)
	}
	if t.probe && out.status == 0 {
		b.probe = now // it proved nothing
	}
	if t.knock && out.status == 0 && !out.counted {
		b.knock = now // it was not made
	}
	b.learn(t, now, out.rate)
	switch {
	case out.refused():
		b.refuse(t, now, out)
	case b.corrects(t, out):
		b.limit++
	case out.status != 0 && t.seq >= b.pausedBy:
		b.strikes = 0
		if out.status < http.StatusInternalServerError { // which may come from somebody in between
			b.paused = time.Time{}
		}
	}
}

func (b *budget) free() int { return max(b.limit-b.used(), b.proven) }

func (b *budget) used() int { return b.inFlight + b.sum }

// reserve is what all others leave to high calls while some of those are under way: more will come.
// It is a part only, so that one removal that hangs does not stop everything else.
func (b *budget) reserve(p Priority) int {
	if p >= High || b.high == 0 {
		return 0
	}
	return b.limit / 4
}

// leaves is when so many calls have left the last minute that fewer than most remain; zero if calls
// under way must end first.
func (b *budget) leaves(most int) time.Time {
	n := b.used()
	for _, s := range b.spent {
		if n -= s.n; n < most {
			return s.at.Add(window + slack)
		}
	}
	return time.Time{}
}

// burst is how many calls that are not high may start at once; the others are spread so that burst and spread
// together make the limit.
func (b *budget) burst() int { return max(1, b.limit/10) }

func (b *budget) interval() time.Duration {
	return (window + slack) / time.Duration(max(1, b.limit-b.limit/10))
}

// even is when the next call that is not high may start.
func (b *budget) even() time.Time {
	if b.pace.IsZero() {
		return b.pace
	}
	return b.pace.Add(-time.Duration(b.burst()-1) * b.interval())
}

func (b *budget) spend(now time.Time, n int) {
	b.spent = append(b.spent, spend{now, n})
	b.sum += n
}

// forget drops what is older than a minute, and a guess that is too old to be trusted.
func (b *budget) forget(now time.Time) {
	old := 0
	for old < len(b.spent) && !now.Before(b.spent[old].at.Add(window+slack)) {
		b.sum -= b.spent[old].n
		old++
	}
	b.spent = b.spent[old:]
	if !b.guessed.IsZero() && !now.Before(b.guessed) {
		b.limit, b.guessed = 0, time.Time{}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earlier ignores zero times.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
