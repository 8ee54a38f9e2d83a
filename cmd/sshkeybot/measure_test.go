package main

import (
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stretched returns how long something may take that may take d on a machine with nothing else
// to do: longer in the proportion in which this process has to wait for a processor.
func stretched(t testing.TB, d time.Duration) time.Duration {
	t.Helper()
	const sample = 500 * time.Millisecond
	before, began := computed(t), time.Now()
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for time.Since(began) < sample { // keeps the processors busy
			}
		})
	}
	all.Wait()
	wanted := time.Since(began) * time.Duration(runtime.GOMAXPROCS(0))
	waits := max(1, float64(wanted)/float64(max(1, computed(t)-before)))
	return time.Duration(slow * waits * float64(d))
}

// computed returns how much processor time this process has used.
func computed(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
