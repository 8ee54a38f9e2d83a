//go:build !linux

package app

import (
	"crypto/rand"
	"time"
)

var started = time.Now() //nolint:gochecknoglobals // a process has one

// uptime returns the time since the process started. It may lack the time for which the machine
// slept, which then counts as a pause.
func uptime() time.Duration { return time.Since(started) }

// bootID returns an ID of this process.
func bootID() string { return rand.Text() }
