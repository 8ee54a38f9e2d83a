//go:build !race

package main

import "time"

const (
	withRace = false
	slow     = 1
	atOnce   = "12"            // tests in parallel: they wait for the pace of Slack more than they calculate
	patience = 3 * time.Minute // how long anything may take on a busy machine
)
