package reconcile

import (
	"context"
	"encoding/json"
	"time"

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

// SureOfTime refuses to give access while nobody knows what time it is, and returns the
// time of the steady clock.
func (e *Engine) SureOfTime(ctx context.Context, tx access.Tx) (steady time.Time, err error) {
	v, err := e.Clocks(ctx, tx)
	if err == nil && v.InDoubt() {
		err = access.NewConflict("My clock is in doubt: " + v.Doubt() + ". Nothing is granted until that is settled; I say so in the channel. Please try again then.")
	}
	return v.Mark.Steady, err
}

// mayPlace refuses to place a key while nobody knows what time it is. Renewals, which give
// nothing new, only wait while it is not known how much time has passed.
func (e *Engine) mayPlace(ctx context.Context, p access.Placement) error {
	return e.Store.Read(ctx, func(tx access.Tx) error {
		v, err := e.Clocks(ctx, tx)
		if err == nil && (v.Mark.Lost || v.InDoubt() && !p.Urgent) {
			err = &access.Error{Code: access.Unavailable, Op: "clock", Message: "My clock is in doubt: " + v.Doubt() + ". I place the key once that is settled."}
		}
		return err
	})
}
