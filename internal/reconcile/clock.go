package reconcile

import (
	"context"
	"encoding/json"

	"sshkeybot/internal/access"
	"sshkeybot/internal/clock"
)

// flagClock keeps the last Mark, as JSON. All replicas share it.
const flagClock = "clock"

// ClockMark returns the last mark; zero where there is none yet.
func ClockMark(ctx context.Context, tx access.Tx) (m clock.Mark, err error) {
	text, err := tx.Flag(ctx, flagClock)
	if err != nil || text == "" {
		return m, err
	}
	return m, json.Unmarshal([]byte(text), &m)
}

// SaveClockMark replaces the last mark.
func SaveClockMark(ctx context.Context, tx access.Tx, m clock.Mark) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tx.SetFlag(ctx, flagClock, string(text))
}

// Clocks returns what the clocks show now. A Service without a Clock believes its Now.
func (e *Engine) Clocks(ctx context.Context, tx access.Tx) (clock.View, error) {
	if e.Clock == nil {
		return clock.View{Mark: clock.Mark{Steady: e.Now()}, Known: true}, nil
	}
	if !e.Clock.Begun() {
		last, err := ClockMark(ctx, tx)
		if err != nil {
			return clock.View{}, err
		}
		e.Clock.Begin(last)
	}
	return e.Clock.Look(), nil
}
