package main

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain lets the test binary be sshkeybot itself when it is called by that name.
func TestMain(m *testing.M) {
	testscript.Main(leakFree{m}, map[string]func(){"sshkeybot": main})
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
