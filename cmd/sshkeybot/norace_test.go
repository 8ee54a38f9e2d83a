//go:build !race

package main

import "time"

const (
	withRace  = false
	slow      = 1
	ackWithin = 3 * time.Second  // Slack's limit for an acknowledgement
	atOnce    = "12"             // tests in parallel: they wait for the pace of Slack more than they calculate
	patience  = 90 * time.Second // how long anything may take on a busy machine
)
