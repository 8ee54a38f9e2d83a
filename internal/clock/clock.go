// Package clock finds out whether the wall clock was set, in order that access neither ends
// late nor is granted for longer than was decided because of a wrong clock. It compares the
// wall clock with the machine's count of the time since it started, which nobody can set, and
// with the time in the answers of a service outside.
package clock

import (
	"slices"
	"sync"
	"time"

	"sshkeybot/internal/duration"
)

const (
	// Tolerance is how much two clocks may differ, or one may jump, without being wrong: the
	// clocks of replicas differ by seconds, and an answer may take seconds to arrive.
	Tolerance = time.Minute
	// skewAllowed is how much our clock may differ from the one outside. It is more than
	// Tolerance, because the process may have been paused since the last answer.
	skewAllowed = 3 * Tolerance
)

// outsideAnswers is how many answers in a row must agree on the time before it is used.
const outsideAnswers = 3

// markEvery is how old the mark in the ledger may become before it is replaced.
const markEvery = time.Minute

// Reading is what the clocks of this machine show at one instant.
type Reading struct {
	Wall time.Time     // may be set, forward and back
	Up   time.Duration // since the machine started, including sleep; cannot be set
	Boot string        // identifies that start of the machine
}

// Mark is one instant as all clocks show it. The ledger stores the last one, and the time
// that passes is counted from there, also by another process or replica.
type Mark struct {
	Steady  time.Time // by the steady clock: equal to the wall clock when the ledger was made, and never set since
	Wall    time.Time // by the wall clock, without a jump that the clock outside has not confirmed
	Outside time.Time // by the clock outside; zero if it was never known
	Up      time.Duration
	Boot    string
	Skewed  bool // the clock outside showed another time when it was last known
	Lost    bool // the wall clock went back while no process was counting, so some time was not counted
	Told    bool // the team was told about a doubt, and not yet that it is over
}

// at returns the mark of a later instant; outside is the time outside then, or zero. If the
// clocks disagree on how much time has passed, the longest time counts: one that is too long
// ends access early, one that is too short would prolong it.
func (m Mark) at(r Reading, outside time.Time) Mark {
	shown := r.Wall.Sub(m.Wall)
	least := r.Up - m.Up
	if r.Boot != m.Boot {
		least = max(0, shown)
	}
	passed := least
	if !outside.IsZero() && !m.Outside.IsZero() {
		if by := outside.Sub(m.Outside); by > passed+Tolerance { // the machine was paused, or was off for longer than its clock shows
			passed = by
		}
	}
	next := m
	next.Steady, next.Outside, next.Up, next.Boot = m.Steady.Add(passed), outside, r.Up, r.Boot
	next.Wall = m.Wall.Add(min(max(shown, least), passed)) // a pause is no jump, whether or not the wall clock was set after it
	if counted := m.Outside.Add(passed); !m.Outside.IsZero() && (outside.IsZero() || outside.After(counted)) {
		next.Outside = counted // a difference below the tolerance adds up, and counts once it exceeds it
	}
	return next
}

// Clock finds jumps of the wall clock. It compares it with the machine's count of the time
// since its start, with the last mark in the ledger, and with the Date of the answers of a
// service outside. It is safe for use by many goroutines.
type Clock struct {
	Read    func() Reading
	Service string // what people call that service

	mu      sync.Mutex
	mark    Mark
	kept    bool        // the mark is in the ledger
	answers []time.Time // what the clock outside showed when the machine started, by each of the last answers
	jumped  bool        // forward, so answers from before it may be older than a pause of the machine
}

// View is what a Clock shows at one instant.
type View struct {
	Mark Mark
	Jump time.Duration // of the wall clock, since the last mark
	skew time.Duration // of the wall clock against the one outside, if Known

	service string // of the Clock
	Known   bool   // the clock outside is known
	Stale   bool   // the mark in the ledger has to be replaced
}

// Answered records the Date of an answer of the service outside that has arrived now.
func (c *Clock) Answered(date time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, date.Add(-c.Read().Up))
	c.answers = c.answers[max(0, len(c.answers)-outsideAnswers):]
}

// Known reports whether the clock outside is known: enough answers agree on the time.
func (c *Clock) Known() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.outside(0).IsZero()
}

// outside returns the time outside that long after the machine started, and zero if there are too
// few answers or they do not agree.
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

// Begin starts counting from that mark, which an earlier process or another replica has
// stored, or from now if it is zero.
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

// Begun reports whether Begin was called.
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
	v := View{Mark: c.mark.at(r, outside), service: c.Service, Known: !outside.IsZero()}
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

// Settle counts from a mark that is stored in the ledger now.
func (c *Clock) Settle(m Mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark, c.kept = m, true
	c.jumped = c.jumped && c.view(c.read()).Jump > Tolerance
}

func (c *Clock) read() Reading {
	r := c.Read()
	r.Wall = r.Wall.Round(0) // without Go's monotonic reading
	return r
}

// Far reports whether a difference between clocks exceeds the tolerance.
func Far(d time.Duration) bool { return d.Abs() > Tolerance }

// InDoubt reports whether the wall clock may be wrong. After a jump it is in doubt until
// the clock outside agrees with it, or it is back where it would be without the jump.
func (v View) InDoubt() bool { return v.Mark.Skewed || v.Mark.Lost || !v.Known && Far(v.Jump) }

// certain reports whether the team should be told about a doubt. A jump forward alone may
// only mean that the machine was paused.
func (v View) certain() bool { return v.Known || v.Mark.Lost || v.Jump < 0 }

// Doubt returns a clause about the wall clock that says what is wrong with it.
func (v View) Doubt() string {
	switch {
	case v.Known && v.skew > 0:
		return "it is " + roughly(v.skew) + " ahead of " + v.service + "'s"
	case v.Known:
		return "it is " + roughly(v.skew) + " behind " + v.service + "'s"
	case v.Mark.Skewed && !Far(v.Jump):
		return "it did not agree with " + v.service + "'s"
	case v.Mark.Lost:
		return "it is behind the time at which I last worked, and was put back"
	}
	return Jumped(v.Jump) + ", and " + v.service + " has not told me the time since"
}

// Jumped returns a clause that says by how much a clock was put forward or back.
func Jumped(by time.Duration) string {
	if by < 0 {
		return "it was put back by " + roughly(by)
	}
	return "it was put forward by " + roughly(by)
}

// roughly returns a difference between clocks as text, rounded to ten seconds.
func roughly(d time.Duration) string { return duration.Format(d.Abs().Round(10 * time.Second)) }

// News reports whether there is something to tell the team.
func (v View) News() bool {
	if v.InDoubt() {
		return !v.Mark.Told && v.certain()
	}
	return v.Mark.Told || Far(v.Jump)
}
