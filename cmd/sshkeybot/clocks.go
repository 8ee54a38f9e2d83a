package main

import (
	"context"
	"time"

	"sshkeybot/internal/clock"
)

// readClocks returns what the clocks of this machine show, of which now is the wall clock.
func readClocks(now func() time.Time) func() clock.Reading {
	boot := bootID()
	return func() clock.Reading {
		for {
			up, wall := uptime(), now()
			if uptime()-up < time.Second { // nobody stopped us in between
				return clock.Reading{Wall: wall, Up: up, Boot: boot}
			}
		}
	}
}

// askTheTime asks Slack for something until its answers agree on what time it is.
func (a *app) askTheTime(ctx context.Context) error {
	if a.service.Engine.Clock.Known() {
		return nil
	}
	_, _ = a.api.Self(ctx) // only its date matters, which is passed on
	return nil
}

func (a *app) tellOfClock(text string) { a.log.Warn("the clock", "what", text) }
