// Package clock tells jumps of the wall clock from time that passes, by what the machine
// counts since it was started and by the time in answers from outside.
package clock

import (
	"slices"
	"sync"
	"time"

	"sshkeybot/internal/duration"
)

const (
	// Tolerance is by how much a clock may jump, or two counts of the same time may
	// differ: replicas differ by seconds, and an answer may be on its way for as many.
	Tolerance = time.Minute
	// skewAllowed is how far our clock may be from Slack's: beside being a little wrong, we
	// may have stood still for a moment since Slack told us the time.
	skewAllowed = 3 * Tolerance
)

// outsideAnswers is how many answers in a row must agree on the time before it is believed.
const outsideAnswers = 3

// markEvery is how old the mark in the ledger may be.
const markEvery = time.Minute

// Reading is what the clocks of this machine show at one instant.
type Reading struct {
	Wall time.Time     // what everybody goes by; it may be set, forward and back
	Up   time.Duration // since the machine started, its sleep included; nobody sets it
	Boot string        // names that start of the machine
}

// Mark is one instant as every clock shows it. The ledger keeps the last one, and
// what follows is counted from there.
type Mark struct {
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
func (m Mark) at(r Reading, outside time.Time) Mark {
	shown := r.Wall.Sub(m.Wall)
	least := r.Up - m.Up
	if r.Boot != m.Boot {
		least = max(0, shown)
	}
	passed := least
	if !outside.IsZero() && !m.Outside.IsZero() {
		if by := outside.Sub(m.Outside); by > passed+Tolerance { // the machine stood still, or was down for longer than its clock says
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
	Read func() Reading
	Tell func(text string) // is told what the team is told; may be nil

	mu      sync.Mutex
	mark    Mark
	kept    bool        // the mark is in the ledger
	answers []time.Time // by the last answers, what Slack's clock showed when the machine started
	jumped  bool        // forward, so that what was answered before may be older than a pause
}

// View is what a Clock shows at one instant.
type View struct {
	Mark Mark
	Jump time.Duration // of the wall clock, since the last mark
	skew time.Duration // of the wall clock against Slack's, where that is known

	Known bool // what Slack's clock shows
	Stale bool // the mark in the ledger is
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
	if sorted[len(sorted)-1].Sub(sorted[0]) > Tolerance {
		return time.Time{}
	}
	return sorted[len(sorted)/2].Add(up)
}

// Begin counts from that mark, which an earlier process or another replica has left;
// from now where there is none.
func (c *Clock) Begin(last Mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	if last.Steady.IsZero() {
		last = Mark{Steady: r.Wall, Wall: r.Wall, Up: r.Up, Boot: r.Boot}
	}
	if r.Boot != last.Boot && last.Wall.Sub(r.Wall) > Tolerance {
		last.Lost = true
	}
	c.mark, c.kept = last, false
}

// Begun reports whether the clock counts.
func (c *Clock) Begun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.mark.Steady.IsZero()
}

// Look returns what the clocks show now.
func (c *Clock) Look() View {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	v := c.view(r)
	if v.Jump > Tolerance && !c.jumped {
		c.jumped, c.answers = true, nil
		v = c.view(r)
	}
	return v
}

func (c *Clock) view(r Reading) View {
	outside := c.outside(r.Up)
	v := View{Mark: c.mark.at(r, outside), Known: !outside.IsZero()}
	v.Jump = r.Wall.Sub(v.Mark.Wall)
	v.Stale = !c.kept || v.Known && c.mark.Outside.IsZero() || v.Mark.Steady.Sub(c.mark.Steady) >= markEvery
	if v.Known {
		v.skew = r.Wall.Sub(outside)
		v.Mark.Skewed, v.Mark.Lost = v.skew.Abs() > skewAllowed, false
	}
	if !v.InDoubt() {
		v.Mark.Wall = r.Wall
	}
	return v
}

// Settle counts from a mark that the ledger has.
func (c *Clock) Settle(m Mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark, c.kept = m, true
	c.jumped = c.jumped && c.view(c.read()).Jump > Tolerance
}

func (c *Clock) read() Reading {
	r := c.Read()
	r.Wall = r.Wall.Round(0) // by the wall alone
	return r
}

// Far reports whether a clock is further off than the tolerance.
func Far(d time.Duration) bool { return d.Abs() > Tolerance }

// InDoubt reports whether nobody knows what time it is. A jump is none once Slack's clock
// agrees with the wall clock, nor when that has gone back to where it was.
func (v View) InDoubt() bool { return v.Mark.Skewed || v.Mark.Lost || !v.Known && Far(v.Jump) }

// certain reports whether a doubt is worth telling: a clock that has gone forward may
// only show that the machine stood still.
func (v View) certain() bool { return v.Known || v.Mark.Lost || v.Jump < 0 }

// Doubt says what is wrong.
func (v View) Doubt() string {
	switch {
	case v.Known && v.skew > 0:
		return "it is " + roughly(v.skew) + " ahead of Slack's"
	case v.Known:
		return "it is " + roughly(v.skew) + " behind Slack's"
	case v.Mark.Skewed && !Far(v.Jump):
		return "it did not agree with Slack's"
	case v.Mark.Lost:
		return "it is behind the time at which I last worked, and was put back"
	}
	return Jumped(v.Jump) + ", and Slack has not told me the time since"
}

// Jumped says by how much a clock was put forward or back.
func Jumped(by time.Duration) string {
	if by < 0 {
		return "it was put back by " + roughly(by)
	}
	return "it was put forward by " + roughly(by)
}

// roughly spells a difference between clocks, which is not known to the second.
func roughly(d time.Duration) string { return duration.Format(d.Abs().Round(10 * time.Second)) }

// News reports whether there is something to tell.
func (v View) News() bool {
	if v.InDoubt() {
		return !v.Mark.Told && v.certain()
	}
	return v.Mark.Told || Far(v.Jump)
}
