package app

import (
	"context"
	"time"

	"sshkeybot/internal/clock"
)

// readClocks returns a function that reads the clocks of this machine, with now as the wall
// clock.
func readClocks(now func() time.Time) func() clock.Reading {
	boot := bootID()
	return func() clock.Reading {
		for {
			up, wall := uptime(), now()
			if uptime()-up < time.Second { // the process was not paused between the two
				return clock.Reading{Wall: wall, Up: up, Boot: boot}
			}
		}
	}
}

// askTheTime makes a call to Slack unless Slack's clock is known. It is called until it is.
func (a *App) askTheTime(ctx context.Context) error {
	if a.Service.Engine.Clock.Known() {
		return nil
	}
	_, _ = a.api.Self(ctx) // only the Date of the answer matters, which goes to the clock
	return nil
}
