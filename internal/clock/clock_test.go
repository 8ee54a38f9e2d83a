package clock

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// machine is a computer whose clocks can be put wrong, with the process on it and the
// mark that the ledger keeps. Only its true time is always right.
type machine struct {
	truth time.Time
	wall  time.Duration // by how much the wall clock is ahead
	up    time.Duration
	boots int
	slack time.Duration // by how much Slack's Date is ahead

	clock  *Clock
	ledger Mark
}

// newMachine is one whose wall clock was that much ahead when the ledger began.
func newMachine(ahead time.Duration) *machine {
	m := &machine{truth: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), wall: ahead}
	m.start()
	return m
}

// start begins a new process, of which the ledger is all it knows.
func (m *machine) start() {
	m.clock = &Clock{Service: "Slack", Read: func() Reading {
		return Reading{Wall: m.truth.Add(m.wall), Up: m.up, Boot: string(rune('a' + m.boots))}
	}}
	m.clock.Begin(m.ledger)
	m.watch()
}

func (m *machine) watch() View {
	v := m.clock.Look()
	mark := v.Mark
	if v.News() {
		mark.Told = v.InDoubt()
	}
	m.ledger = mark
	m.clock.Settle(mark)
	return v
}

func (m *machine) answer(times int) {
	for range times {
		m.clock.Answered(m.truth.Add(m.slack))
	}
}

func (m *machine) pass(d time.Duration) {
	m.truth, m.up = m.truth.Add(d), m.up+d
	m.watch()
}

// freeze lets time pass of which the machine knows nothing, as one that is moved to
// another host; synced has its wall clock set right at once.
func (m *machine) freeze(d time.Duration, synced bool) {
	m.truth = m.truth.Add(d)
	if !synced {
		m.wall -= d
	}
	m.watch()
}

func (m *machine) jump(d time.Duration) {
	m.wall += d
	m.watch()
}

// reboot is down for so long, and finds its wall clock that much further ahead.
func (m *machine) reboot(down, jump time.Duration) {
	m.truth, m.wall, m.up = m.truth.Add(down), m.wall+jump, time.Minute
	m.boots++
	m.start()
}

// restart is the same for the process alone.
func (m *machine) restart(down, jump time.Duration) {
	m.truth, m.up, m.wall = m.truth.Add(down), m.up+down, m.wall+jump
	m.start()
}

func TestClock(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, test := range map[string]struct {
		ahead  time.Duration
		live   func(m *machine)
		doubt  string        // what is said at the end; empty where the clock is sure
		passed time.Duration // by the steady clock
	}{
		"nothing happens":            {0, func(m *machine) { m.pass(hour) }, "", hour},
		"put back":                   {0, func(m *machine) { m.pass(hour); m.jump(-6 * hour) }, "put back by 6h", hour},
		"put back, Slack agrees":     {3 * hour, func(m *machine) { m.pass(hour); m.jump(-3 * hour); m.answer(3) }, "", hour},
		"put back, Slack does not":   {0, func(m *machine) { m.answer(3); m.jump(-6 * hour); m.pass(hour) }, "6h behind Slack's", hour},
		"put back and mended":        {0, func(m *machine) { m.jump(-6 * hour); m.pass(hour); m.jump(6 * hour) }, "", hour},
		"put forward":                {0, func(m *machine) { m.answer(3); m.jump(3 * hour) }, "put forward by 3h", 0},
		"put forward, Slack says no": {0, func(m *machine) { m.answer(3); m.jump(3 * hour); m.answer(3) }, "3h ahead of Slack's", 0},
		"always ahead":               {24 * 3650 * hour, func(m *machine) { m.answer(3) }, "ahead of Slack's", 0},
		"seconds apart":              {0, func(m *machine) { m.answer(3); m.jump(-50 * time.Second); m.answer(3) }, "", 0},
		"the machine sleeps":         {0, func(m *machine) { m.answer(3); m.pass(9 * hour) }, "", 9 * hour},
		"the machine is frozen":      {0, func(m *machine) { m.answer(3); m.watch(); m.freeze(9*hour, true); m.answer(3) }, "", 9 * hour},
		"frozen, and nobody sets it": {0, func(m *machine) { m.answer(3); m.watch(); m.freeze(9*hour, false); m.answer(3) }, "9h behind Slack's", 9 * hour},
		"frozen for a minute, often": {0, func(m *machine) {
			m.answer(3)
			m.watch()
			for range 60 {
				m.freeze(time.Minute, true)
				m.answer(3)
				m.watch()
			}
		}, "", hour},
		"the bot is stopped":               {0, func(m *machine) { m.restart(9*hour, 0) }, "", 9 * hour},
		"the machine is off":               {0, func(m *machine) { m.reboot(9*hour, 0) }, "", 9 * hour},
		"ahead, and mended while stopped":  {3 * hour, func(m *machine) { m.restart(hour, -3*hour) }, "put back by 3h", hour},
		"the same, Slack knows":            {3 * hour, func(m *machine) { m.restart(hour, -3*hour); m.answer(3) }, "", hour},
		"put back while off":               {0, func(m *machine) { m.reboot(hour, -6*hour) }, "behind the time at which I last worked", 0},
		"put back while off, Slack knows":  {0, func(m *machine) { m.answer(3); m.watch(); m.reboot(hour, -6*hour); m.answer(3) }, "6h behind Slack's", hour},
		"ahead, and mended while off":      {87600 * hour, func(m *machine) { m.answer(3); m.watch(); m.reboot(hour, -87600*hour); m.answer(3) }, "", hour},
		"put back by less than it was off": {0, func(m *machine) { m.answer(3); m.watch(); m.reboot(9*hour, -6*hour); m.answer(3) }, "6h behind Slack's", 9 * hour},
		"one odd Date":                     {0, func(m *machine) { m.answer(3); m.slack = 87600 * hour; m.answer(1); m.pass(hour) }, "", hour},
		"Slack is wrong, and behind":       {0, func(m *machine) { m.answer(3); m.watch(); m.slack = -9 * hour; m.answer(3); m.pass(hour) }, "9h ahead of Slack's", hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(test.ahead)
			begin := m.ledger.Steady
			test.live(m)
			v := m.watch()
			if got := v.Mark.Steady.Sub(begin); (got - test.passed).Abs() > Tolerance {
				t.Errorf("%s have passed, want %s", got, test.passed)
			}
			switch {
			case v.InDoubt() != (test.doubt != ""):
				t.Errorf("in doubt: %t, %s", v.InDoubt(), v.Doubt())
			case v.InDoubt() && !strings.Contains(v.Doubt(), test.doubt):
				t.Errorf("it says %q, want %q", v.Doubt(), test.doubt)
			}
		})
	}
}

// TestClockNeverMakesAccessLonger gives access, whatever our clock shows, and has
// everything happen to the clocks: no grant is still live when true time has passed it.
func TestClockNeverMakesAccessLonger(t *testing.T) {
	t.Parallel()
	const slack = Tolerance + time.Minute
	rapid.Check(t, func(rt *rapid.T) {
		type grant struct{ until, endsAt, steadyEnd time.Time }
		m := newMachine(0)
		m.answer(3)
		m.watch()
		var live []grant
		away := false // Slack is, and something happened that only Slack could tell us
		upTo := func(hours int) time.Duration {
			return time.Duration(rapid.IntRange(0, hours*60).Draw(rt, "minutes")) * time.Minute
		}
		jump := func() time.Duration { return upTo(48) - 24*time.Hour }
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			silent := rapid.IntRange(0, 2).Draw(rt, "slack") == 0
			act := rapid.IntRange(0, 7).Draw(rt, "act")
			switch act {
			case 0, 1:
				if !m.clock.Known() {
					break
				}
				d := upTo(12)
				live = append(live, grant{m.truth.Add(d), m.truth.Add(m.wall + d), m.clock.Look().Mark.Steady.Add(d)})
			case 2:
				m.pass(upTo(12))
			case 3:
				m.jump(jump())
			case 4:
				m.jump(-m.wall) // mended
			case 5:
				m.restart(upTo(12), jump())
			case 6:
				m.reboot(upTo(12), jump())
			case 7:
				m.freeze(upTo(12), rapid.Bool().Draw(rt, "synced"))
			}
			away = silent && (away || act >= 6)
			if !silent {
				m.answer(3)
				m.watch()
			}
			if away {
				continue
			}
			v := m.watch()
			for _, g := range live {
				over := !m.truth.Add(m.wall).Before(g.endsAt) || !v.Mark.Steady.Before(g.steadyEnd)
				if late := m.truth.Sub(g.until); !over && late > slack {
					rt.Fatalf("a grant lives %s too long", late)
				}
			}
		}
	})
}

// TestPausesAreNoJumps has time pass in all ways that it does without a clock being wrong.
func TestPausesAreNoJumps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(time.Duration(rapid.IntRange(-60, 60).Draw(rt, "seconds ahead")) * time.Second)
		begin, truth := m.ledger.Steady, m.truth
		m.answer(3)
		m.watch()
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			d := time.Duration(rapid.IntRange(0, 12*60).Draw(rt, "minutes")) * time.Minute
			switch rapid.IntRange(0, 3).Draw(rt, "act") {
			case 0:
				m.pass(d)
			case 1:
				m.restart(d, 0)
			case 2:
				m.reboot(d, 0)
			case 3:
				m.freeze(d, true)
			}
			m.answer(3)
			if v := m.watch(); v.InDoubt() || v.Mark.Told || Far(v.Jump) {
				rt.Fatalf("taken for a jump: %s", v.Doubt())
			}
			if early := m.ledger.Steady.Sub(begin) - m.truth.Sub(truth); early.Abs() > Tolerance {
				rt.Fatalf("the steady clock is off by %s", early)
			}
		}
	})
}
