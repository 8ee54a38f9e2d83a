//go:build !linux

package main

import (
	"crypto/rand"
	"time"
)

var started = time.Now() //nolint:gochecknoglobals // a process has one

// uptime is how long ago the process started. A sleep of the machine may be missing; it
// then looks like one that stood still.
func uptime() time.Duration { return time.Since(started) }

// bootID names the process.
func bootID() string { return rand.Text() }
