//go:build !race

package main

import "time"

const (
	withRace = false
	atOnce   = "32"            // tests in parallel: they mostly wait for Slack's rate limits
	patience = 3 * time.Minute // how long anything may take on a busy machine
)
