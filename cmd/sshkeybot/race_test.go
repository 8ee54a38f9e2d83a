//go:build race

package main

// withRace tells that the race detector is on, which makes some tests take minutes.
const withRace = true
