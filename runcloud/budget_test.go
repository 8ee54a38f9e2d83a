package runcloud

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

func after(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// stated is an answer with X-RateLimit-Limit and -Remaining.
func stated(limit, remaining int) outcome {
	return outcome{status: 200, counted: true, rate: rate{limit, remaining, -1, -1}}
}

// made lets n calls start and end at noon, the last answer saying what is left.
func made(limit, n, remaining int) *budget {
	b := &budget{}
	for i := range n {
		b.finish(b.start(noon, High), noon, stated(limit, remaining+n-1-i))
	}
	return b
}

func TestRoomAfterSpending(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		budget *budget
		at     int
		room   bool
		left   int
	}{
		"nothing known":                {&budget{}, 0, true, -1},
		"some left":                    {made(10, 4, 6), 0, true, 6},
		"all spent":                    {made(10, 10, 0), 0, false, 0},
		"all spent, within the minute": {made(10, 10, 0), 60, false, 0},
		"all spent, minute over":       {made(10, 10, 0), 61, true, 10},
		"others spent":                 {made(10, 1, 0), 59, false, 0},
		"others spent, minute over":    {made(10, 1, 0), 61, true, 10},
		"more left than our count":     {made(10, 12, 7), 0, true, 7},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := after(tt.at)
			if got := tt.budget.left(now); got != tt.left {
				t.Errorf("left %d, want %d", got, tt.left)
			}
			if got := tt.budget.room(now, High); got != tt.room {
				t.Errorf("room %v, want %v", got, tt.room)
			}
		})
	}
}

// Answers arrive in any order. Whatever is proven must never exceed what RunCloud would still allow.
func TestProofsOfOverlappingCalls(t *testing.T) {
	t.Parallel()
	const limit, calls = 40, 8
	for shift := range calls {
		t.Run(fmt.Sprint(shift), func(t *testing.T) {
			t.Parallel()
			b := &budget{}
			var tickets []ticket
			for range calls {
				tickets = append(tickets, b.start(noon, High))
			}
			for i := range calls {
				k := (i*3 + shift) % calls // RunCloud counted call k as number k+1
				b.finish(tickets[k], noon, stated(limit, limit-k-1))
				if truth := limit - calls; b.left(noon) > truth {
					t.Fatalf("left %d after %d answers, truth %d", b.left(noon), i+1, truth)
				}
			}
			if b.left(noon) != limit-calls {
				t.Errorf("left %d in the end, want %d", b.left(noon), limit-calls)
			}
		})
	}
}

// The reset lets a single call through; what it proves opens the rest, or does not.
func TestProbeAfterReset(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ remaining, left int }{{9, 9}, {0, 0}} {
		b := &budget{}
		for i := range 10 {
			o := stated(10, 9-i)
			o.reset = 20 * time.Second
			b.finish(b.start(noon, High), noon, o)
		}
		if at, ok := b.next(noon, High); !ok || !at.Equal(after(21)) {
			t.Fatalf("next %v %v", at, ok)
		}
		if b.room(after(20), High) || !b.room(after(21), High) {
			t.Fatal("no room when the reset is over, or before")
		}
		probe := b.start(after(21), High)
		if b.room(after(22), High) {
			t.Fatal("room for a second call while the first one asks")
		}
		b.finish(probe, after(22), stated(10, tt.remaining))
		if got := b.left(after(22)); got != tt.left {
			t.Errorf("left %d, want %d", got, tt.left)
		}
	}
}

// A probe without an answer proves nothing, and must not stop everything.
func TestLostProbe(t *testing.T) {
	t.Parallel()
	b := made(10, 10, 0)
	b.probe = after(20)
	b.finish(b.start(after(20), High), after(25), outcome{rate: noRate()})
	if !b.room(after(25), High) {
		t.Error("no further probe")
	}
}

func TestNextNeverLies(t *testing.T) {
	t.Parallel()
	budgets := map[string]func() *budget{
		"spent":  func() *budget { return made(10, 10, 0) },
		"one":    func() *budget { return made(1, 1, 0) },
		"others": func() *budget { return made(100, 3, 0) },
		"paused": func() *budget {
			b := made(100, 3, 97)
			b.finish(b.start(noon, High), noon, outcome{status: 429, rate: rate{-1, -1, 30 * time.Second, -1}})
			return b
		},
		"removals under way": func() *budget {
			b := made(100, 60, 40)
			for range 20 {
				b.start(noon, High)
			}
			return b
		},
		"additions in a row": func() *budget {
			b := made(100, 1, 99)
			for b.room(noon, Normal) {
				b.finish(b.start(noon, Normal), noon, outcome{status: 200, counted: true, rate: noRate()})
			}
			return b
		},
	}
	for name, make := range budgets {
		for _, p := range []Priority{Normal, High} {
			t.Run(fmt.Sprint(name, p), func(t *testing.T) {
				t.Parallel()
				b := make()
				at, ok := b.next(noon, p)
				if !ok {
					t.Fatal("no time is known")
				}
				if at.After(noon) && b.room(at.Add(-time.Millisecond), p) {
					t.Errorf("room before %v", at)
				}
				if !b.room(at, p) {
					t.Errorf("no room at %v", at)
				}
			})
		}
	}
}

func TestNextWithAllUnderWay(t *testing.T) {
	t.Parallel()
	b := &budget{limit: 2}
	b.start(noon, High)
	b.start(noon, High)
	if at, ok := b.next(noon, High); ok {
		t.Errorf("next %v, though only the end of a call can make room", at)
	}
}

func TestAdditionsAreSpread(t *testing.T) {
	t.Parallel()
	b := made(120, 1, 119)
	b.pace = time.Time{}
	starts := 0
	for at := noon; at.Before(after(61)); at = at.Add(100 * time.Millisecond) {
		for b.room(at, Normal) {
			b.finish(b.start(at, Normal), at, outcome{status: 200, counted: true, rate: noRate()})
			starts++
		}
		if at.Equal(noon) && starts != b.burst() {
			t.Errorf("%d calls at once, want %d", starts, b.burst())
		}
	}
	if starts < 110 || starts > 120 {
		t.Errorf("%d calls in a minute", starts)
	}
}

func TestAdditionsLeaveARest(t *testing.T) {
	t.Parallel()
	b := made(100, 80, 20)
	b.pace = time.Time{}
	if !b.room(noon, Normal) {
		t.Fatal("no room though no removal runs")
	}
	held := b.start(noon, High)
	if b.room(noon, Normal) || !b.room(noon, High) {
		t.Error("an addition may take the last quarter while a removal runs")
	}
	b.finish(held, noon, stated(100, 19))
	if !b.room(noon, Normal) {
		t.Error("no room after the removal")
	}
}
