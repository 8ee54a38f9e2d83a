//go:build race

package main

import "time"

// The race detector makes everything many times slower.
const (
	withRace = true
	atOnce   = "16" // tests in parallel
	patience = 5 * time.Minute
)
