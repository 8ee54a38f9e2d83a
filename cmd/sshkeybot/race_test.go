//go:build race

package main

import "time"

// The race detector makes everything many times slower. Speed is measured without it.
const (
	withRace = true
	slow     = 5   // how many times longer everything may take
	atOnce   = "8" // tests in parallel
	patience = 5 * time.Minute
)
