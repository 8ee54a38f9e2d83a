package runcloud

import (
	"testing"
	"time"
)

// let lets n calls through, one each interval, with answers that say nothing.
func let(n int, interval time.Duration) (*budget, time.Time) {
	b, now := &budget{}, noon
	for range n {
		b.finish(b.start(now, High), now, outcome{status: 200, counted: true, rate: noRate()})
		now = now.Add(interval)
	}
	return b, now
}

func refusedAfter(wait time.Duration) outcome {
	return outcome{status: 429, rate: rate{-1, -1, wait, -1}}
}

func TestGuessedLimit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		calls    int
		interval time.Duration
		wait     time.Duration
		want     int
	}{
		"first minute":           {100, 100 * time.Millisecond, -1, 100},
		"wait fits":              {100, 100 * time.Millisecond, 50 * time.Second, 100},
		"wait does not fit":      {100, 100 * time.Millisecond, time.Second, 0},
		"too few":                {minGuess - 1, 100 * time.Millisecond, -1, 0},
		"fuller minute before":   {130, 600 * time.Millisecond, -1, 100},
		"third minute":           {210, 600 * time.Millisecond, -1, 100},
		"long ago":               {100, 100 * time.Second, -1, 0},
		"no call before at all":  {0, 0, -1, 0},
		"no call before, a wait": {0, 0, 60 * time.Second, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, now := let(tt.calls, tt.interval)
			b.finish(b.start(now, High), now, refusedAfter(tt.wait))
			if b.limit != tt.want {
				t.Errorf("guessed %d, want %d", b.limit, tt.want)
			}
			if b.room(now, High) {
				t.Error("no pause")
			}
			b.forget(now.Add(guessLives))
			if b.limit != 0 {
				t.Error("the guess lives for ever")
			}
		})
	}
}

func TestStatedLimitReplacesGuess(t *testing.T) {
	t.Parallel()
	b, now := let(100, time.Millisecond)
	b.finish(b.start(now, High), now, refusedAfter(-1))
	now = now.Add(2 * time.Minute)
	b.finish(b.start(now, High), now, stated(300, 299))
	b.finish(b.start(now, High), now, refusedAfter(-1))
	b.forget(now.Add(time.Hour))
	if b.limit != 300 {
		t.Errorf("limit %d", b.limit)
	}
}

func TestRemainingWithoutLimit(t *testing.T) {
	t.Parallel()
	b := &budget{}
	b.finish(b.start(noon, High), noon, stated(-1, 9))
	if b.limit != 10 || b.left(noon) != 9 {
		t.Errorf("limit %d, left %d", b.limit, b.left(noon))
	}
	// The first answer came when others had used up most of the minute.
	b.finish(b.start(after(61), High), after(61), stated(-1, 119))
	if b.limit != 119 || b.left(after(61)) != 119 {
		t.Errorf("in the next minute: limit %d, left %d", b.limit, b.left(after(61)))
	}
}

// Calls under way at the first 429 are refused too; that is one refusal, not many.
func TestRefusalsOfOneMoment(t *testing.T) {
	t.Parallel()
	b := &budget{}
	var tickets []ticket
	for range 16 {
		tickets = append(tickets, b.start(noon, High))
	}
	for _, tk := range tickets {
		b.finish(tk, after(1), refusedAfter(-1))
	}
	if b.strikes != 1 || b.paused.After(after(62)) {
		t.Errorf("%d strikes, paused until %v", b.strikes, b.paused)
	}
}

// A longer wait that RunCloud states counts, whichever answer brings it.
func TestLaterRefusalMayProlong(t *testing.T) {
	t.Parallel()
	b := &budget{}
	one, two, three := b.start(noon, High), b.start(noon, High), b.start(noon, High)
	b.finish(one, noon, refusedAfter(10*time.Second))
	b.finish(two, noon, refusedAfter(40*time.Second))
	b.finish(three, noon, refusedAfter(5*time.Second))
	if !b.paused.Equal(after(41)) {
		t.Errorf("paused until %v", b.paused)
	}
}
