package runcloud

import "time"

const (
	minGuess   = 30               // fewer calls in a minute are no plausible limit: the 429 had another reason
	guessLives = 10 * time.Minute // then the limit is looked for again
	maxGuess   = 5 * time.Minute  // longest pause that RunCloud did not ask for
	barePause  = 2 * time.Second  // first pause after a 429 that says nothing; doubled each time
)

// learn takes in what an answer says about the limit.
func (b *budget) learn(t ticket, now time.Time, r rate) {
	if r.limit > 0 {
		first := b.limit == 0
		b.limit, b.guessed = r.limit, time.Time{}
		if first { // the calls so far were not spread
			b.pace = now.Add(time.Duration(min(b.used(), b.limit)) * b.interval())
		}
	}
	if r.remaining >= 0 {
		b.prove(t, now, r.remaining)
	}
	switch {
	case r.reset >= 0:
		b.probe = now.Add(r.reset + slack)
	case !b.probe.IsZero() && now.After(b.probe):
		b.probe = time.Time{} // of a minute that is over
	}
}

// prove uses what RunCloud says is left. Calls that overlap t may or may not be in that number, and
// later ones are not; subtracting all of them leaves what is certain. The number of the youngest call
// is also the most that can be left, and shows what others have spent.
func (b *budget) prove(t ticket, now time.Time, remaining int) {
	if b.limit == 0 {
		b.limit = remaining + b.used()
	}
	b.limit = max(b.limit, remaining) // others may have used up some of the minute in which it was guessed
	uncertain := t.overlap + int(b.started-t.seq-1)
	b.proven = max(b.proven, remaining-uncertain)
	if t.seq < b.newest {
		return
	}
	b.newest = t.seq
	b.proven = min(b.proven, remaining)
	if others := b.limit - b.used() - remaining; others > 0 {
		b.spend(now, others)
	}
}

// refuse stops all calls for a while. Further refusals of calls that were under way already can only
// make that longer if RunCloud says so.
func (b *budget) refuse(t ticket, now time.Time, out outcome) {
	fresh := t.seq >= b.pausedBy
	wait := out.retryAfter
	if wait < 0 {
		wait = out.reset
	}
	if fresh {
		b.strikes++
		b.guess(now, out)
	}
	switch {
	case wait >= 0 || !fresh:
	case out.remaining < 0 && (b.limit == 0 || b.free() > 0):
		wait = min(barePause<<min(b.strikes-1, 8), window) // about something else than the limit, as far as we know
	default:
		wait = b.guessPause(now)
	}
	if wait < 0 {
		return
	}
	b.paused = later(b.paused, now.Add(min(wait+slack, maxPause)))
	b.pausedBy = b.started
	b.knock = now.Add(window)
	b.probe = b.paused
	b.proven = 0
}

// guessPause is the rest of the minute that began with its first call, as if RunCloud counted like
// that. If that was not enough, the pause doubles each time.
func (b *budget) guessPause(now time.Time) time.Duration {
	if rest := b.minute.ends().Sub(now); b.strikes <= 1 && rest > 0 {
		return rest
	}
	return min(window<<min(max(b.strikes-2, 0), 8), maxGuess)
}

// guess takes what was let through until a 429 for the limit, if RunCloud states none. A Retry-After
// that does not fit a minute is about something else.
func (b *budget) guess(now time.Time, out outcome) {
	stated := b.limit > 0 && b.guessed.IsZero()
	n := b.minute.most(now)
	if stated || n < minGuess || out.retryAfter >= 0 && !b.fits(now, out.retryAfter) {
		return
	}
	b.limit, b.guessed = n, now.Add(guessLives)
}

// corrects tells of a call that it was let through in the minute whose limit is being guessed, though
// its answer came after the 429.
func (b *budget) corrects(t ticket, out outcome) bool {
	return !b.guessed.IsZero() && t.seq < b.pausedBy && out.counted && out.status != 0
}

// fits tells whether wait ends with the minute of our first call, or with that of the oldest call.
func (b *budget) fits(now time.Time, wait time.Duration) bool {
	ends := []time.Time{b.minute.ends()}
	if len(b.spent) > 0 {
		ends = append(ends, b.spent[0].at.Add(window))
	}
	for _, end := range ends {
		if d := end.Sub(now) - wait; d.Abs() <= 2*slack {
			return true
		}
	}
	return false
}

// minute counts calls as a fixed window does: the first call opens a minute, the first one after its
// end the next.
type minute struct {
	opened    time.Time
	now, last int // calls of this minute and of the one right before
}

func (m *minute) ends() time.Time { return m.opened.Add(window) }

func (m *minute) count(now time.Time) {
	if !now.Before(m.ends()) {
		last := 0
		if now.Before(m.ends().Add(window)) {
			last = m.now
		}
		*m = minute{opened: now, last: last}
	}
	m.now++
}

// most is the fuller of the two minutes: never more than the limit that refused a call now, be it a
// fixed window or a sliding one.
func (m *minute) most(now time.Time) int {
	if !now.Before(m.ends().Add(window)) {
		return 0
	}
	return max(m.now, m.last)
}
