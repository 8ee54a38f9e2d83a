package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the players, where the machine has none

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain lets the test binary be sshkeybot itself when it is called by that name,
// with a clock that is off by what a file says where TEST_CLOCK names one.
func TestMain(m *testing.M) {
	now := time.Now
	if path := os.Getenv("TEST_CLOCK"); path != "" {
		now = func() time.Time { return time.Now().Add(readOffset(path)).Round(0) }
	}
	testscript.Main(leakFree{m}, map[string]func(){"sshkeybot": func() { os.Exit(live(now)) }})
}

func readOffset(path string) time.Duration {
	raw, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	d, err := time.ParseDuration(string(raw))
	if err != nil {
		panic(err)
	}
	return d
}

// leakFree runs the tests and then looks for goroutines that they left behind.
type leakFree struct{ *testing.M }

func (m leakFree) Run() int {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(atOnce)
	}
	status := m.M.Run()
	if status != 0 {
		return status
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
