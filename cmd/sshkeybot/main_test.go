package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain runs the program instead of the tests if the test binary is called by the program's
// name. If TEST_CLOCK names a file, the program's clock is wrong by what that says.
func TestMain(m *testing.M) {
	now := time.Now
	if path := os.Getenv("TEST_CLOCK"); path != "" {
		now = func() time.Time { return time.Now().Add(readOffset(path)).Round(0) }
	}
	testscript.Main(leakFree{m}, map[string]func(){"sshkeybot": func() { os.Exit(runProcess(now)) }})
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

// leakFree runs the tests, and fails if they leave goroutines behind.
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
