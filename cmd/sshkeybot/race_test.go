//go:build race

package main

import "time"

// The race detector makes everything ten times slower. Speed is judged without it.
const (
	withRace  = true
	ackWithin = 20 * time.Second
	atOnce    = "8" // tests in parallel
	patience  = 4 * time.Minute
)
