//go:build race

package main

import "time"

// The race detector makes everything many times slower. Speed is judged without it.
const (
	withRace = true
	slow     = 5   // times as long may anything take that a test sets a time for
	atOnce   = "4" // tests in parallel
	patience = 5 * time.Minute
)
