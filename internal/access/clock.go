package access

import (
	"slices"
	"sync"
	"time"

	"sshkeybot/internal/duration"
)

const (
	// clockTolerance is by how much a clock may jump, or two counts of the same time may
	// differ: replicas differ by seconds, and an answer may be on its way for as many.
	clockTolerance = time.Minute
	// skewAllowed is how far our clock may be from Slack's: beside being a little wrong, we
	// may have stood still for a moment since Slack told us the time.
	skewAllowed = 3 * clockTolerance
)

// outsideAnswers is how many answers in a row must agree on the time before it is believed.
const outsideAnswers = 3

// markEvery is how old the mark in the ledger may be.
const markEvery = time.Minute

// ClockReading is what the clocks of this machine show at one instant.
type ClockReading struct {
	Wall time.Time     // what everybody goes by; it may be set, forward and back
	Up   time.Duration // since the machine started, its sleep included; nobody sets it
	Boot string        // names that start of the machine
}

// clockMark is one instant as every clock shows it. The ledger keeps the last one, and
// what follows is counted from there.
type clockMark struct {
	Steady  time.Time // shown by a clock that went with the wall clock when the ledger began, and that nobody has set since
	Wall    time.Time // shown by the wall clock, or what it would show without a jump that nobody has confirmed
	Outside time.Time // shown by Slack's clock; zero where that was never known
	Up      time.Duration
	Boot    string
	Skewed  bool // Slack's clock showed another time when it was last known
	Lost    bool // the wall clock went back while nobody counted, so that time is missing
	Told    bool // the team was told of a doubt, and not yet that it is over
}

// at returns the mark of a later instant, of which outside is Slack's time or zero. Of
// several counts of the time that has passed the longest holds: to count too much ends
// access early, to count too little would make it longer.
func (m clockMark) at(r ClockReading, outside time.Time) clockMark {
	shown := r.Wall.Sub(m.Wall)
	least := r.Up - m.Up
	if r.Boot != m.Boot {
		least = max(0, shown)
	}
	passed := least
	if !outside.IsZero() && !m.Outside.IsZero() {
		if by := outside.Sub(m.Outside); by > passed+clockTolerance { // the machine stood still, or was down for longer than its clock says
			passed = by
		}
	}
	next := m
	next.Steady, next.Outside, next.Up, next.Boot = m.Steady.Add(passed), outside, r.Up, r.Boot
	next.Wall = m.Wall.Add(min(max(shown, least), passed)) // standing still is no jump, whether or not the wall clock was set after it
	if counted := m.Outside.Add(passed); !m.Outside.IsZero() && (outside.IsZero() || outside.After(counted)) {
		next.Outside = counted // the rest is not lost: it adds up, and is counted once it is long enough
	}
	return next
}

// Clock tells the wall clock's jumps from time that passes. It compares the wall clock
// with one that nobody can set, with the last mark in the ledger, and with the Date of
// Slack's answers. It is safe for use by many goroutines.
type Clock struct {
	Read func() ClockReading
	Tell func(text string) // is told what the team is told; may be nil

	mu      sync.Mutex
	mark    clockMark
	kept    bool        // the mark is in the ledger
	answers []time.Time // by the last answers, what Slack's clock showed when the machine started
	jumped  bool        // forward, so that what was answered before may be older than a pause
}

// clockView is what a Clock shows at one instant.
type clockView struct {
	mark clockMark
	jump time.Duration // of the wall clock, since the last mark
	skew time.Duration // of the wall clock against Slack's, where that is known

	known bool // what Slack's clock shows
	stale bool // the mark in the ledger is
}

// Answered takes the Date of an answer of Slack's that has come now.
func (c *Clock) Answered(date time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, date.Add(-c.Read().Up))
	c.answers = c.answers[max(0, len(c.answers)-outsideAnswers):]
}

// Known reports whether enough answers of Slack's agree on the time.
func (c *Clock) Known() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.outside(0).IsZero()
}

// outside returns Slack's time that long after the machine started, and zero where the
// last answers do not agree: one alone is not believed.
func (c *Clock) outside(up time.Duration) time.Time {
	if len(c.answers) < outsideAnswers {
		return time.Time{}
	}
	sorted := slices.SortedFunc(slices.Values(c.answers), time.Time.Compare)
	if sorted[len(sorted)-1].Sub(sorted[0]) > clockTolerance {
		return time.Time{}
	}
	return sorted[len(sorted)/2].Add(up)
}

// begin counts from that mark, which an earlier process or another replica has left;
// from now where there is none.
func (c *Clock) begin(last clockMark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	if last.Steady.IsZero() {
		last = clockMark{Steady: r.Wall, Wall: r.Wall, Up: r.Up, Boot: r.Boot}
	}
	if r.Boot != last.Boot && last.Wall.Sub(r.Wall) > clockTolerance {
		last.Lost = true
	}
	c.mark, c.kept = last, false
}

// begun reports whether the clock counts.
func (c *Clock) begun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.mark.Steady.IsZero()
}

// look returns what the clocks show now.
func (c *Clock) look() clockView {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	v := c.view(r)
	if v.jump > clockTolerance && !c.jumped {
		c.jumped, c.answers = true, nil
		v = c.view(r)
	}
	return v
}

func (c *Clock) view(r ClockReading) clockView {
	outside := c.outside(r.Up)
	v := clockView{mark: c.mark.at(r, outside), known: !outside.IsZero()}
	v.jump = r.Wall.Sub(v.mark.Wall)
	v.stale = !c.kept || v.known && c.mark.Outside.IsZero() || v.mark.Steady.Sub(c.mark.Steady) >= markEvery
	if v.known {
		v.skew = r.Wall.Sub(outside)
		v.mark.Skewed, v.mark.Lost = v.skew.Abs() > skewAllowed, false
	}
	if !v.inDoubt() {
		v.mark.Wall = r.Wall
	}
	return v
}

// settle counts from a mark that the ledger has.
func (c *Clock) settle(m clockMark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark, c.kept = m, true
	c.jumped = c.jumped && c.view(c.read()).jump > clockTolerance
}

func (c *Clock) read() ClockReading {
	r := c.Read()
	r.Wall = r.Wall.Round(0) // by the wall alone
	return r
}

func far(d time.Duration) bool { return d.Abs() > clockTolerance }

// inDoubt reports whether nobody knows what time it is. A jump is none once Slack's clock
// agrees with the wall clock, nor when that has gone back to where it was.
func (v clockView) inDoubt() bool { return v.mark.Skewed || v.mark.Lost || !v.known && far(v.jump) }

// certain reports whether a doubt is worth telling: a clock that has gone forward may
// only show that the machine stood still.
func (v clockView) certain() bool { return v.known || v.mark.Lost || v.jump < 0 }

// doubt says what is wrong.
func (v clockView) doubt() string {
	switch {
	case v.known && v.skew > 0:
		return "it is " + roughly(v.skew) + " ahead of Slack's"
	case v.known:
		return "it is " + roughly(v.skew) + " behind Slack's"
	case v.mark.Skewed && !far(v.jump):
		return "it did not agree with Slack's"
	case v.mark.Lost:
		return "it is behind the time at which I last worked, and was put back"
	}
	return jumped(v.jump) + ", and Slack has not told me the time since"
}

func jumped(by time.Duration) string {
	if by < 0 {
		return "it was put back by " + roughly(by)
	}
	return "it was put forward by " + roughly(by)
}

// roughly spells a difference between clocks, which is not known to the second.
func roughly(d time.Duration) string { return duration.Format(d.Abs().Round(10 * time.Second)) }
