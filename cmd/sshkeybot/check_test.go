package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/check"
	"sshkeybot/internal/sim/runcloudsim"
)

// A warning is a problem for the strict alone, and a problem for all.
func TestStrict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status check.Status
		strict bool
		good   bool
	}{
		{check.OK, true, true}, {check.Note, true, true}, {check.Warning, false, true},
		{check.Warning, true, false}, {check.Problem, false, false}, {check.Problem, true, false},
	} {
		for _, asJSON := range []bool{false, true} {
			var out bytes.Buffer
			err := showFindings(&out, []check.Finding{{Name: "one", Status: check.OK}, {Name: "two", Status: c.status}}, checkOpts{json: asJSON, strict: c.strict})
			if c.good != (err == nil) || err != nil && !errors.As(err, &failed{}) {
				t.Errorf("%+v: %v", c, err)
			}
			var document struct{ Good bool }
			if asJSON && (json.Unmarshal(out.Bytes(), &document) != nil || document.Good != c.good) {
				t.Errorf("%+v: %s", c, &out)
			}
		}
	}
}

// What a service asks to wait is waited, and said on standard error; beyond that it is a problem.
func TestCheckWaits(t *testing.T) {
	t.Parallel()
	live(t)
	r := start(t, plan{sockets: true, servers: 2})
	r.Ends()
	run := func(wait time.Duration) (out, said string, err error) {
		r.account.Fault(runcloudsim.FaultRule{Kind: runcloudsim.FaultTooMany, RetryAfter: wait, Times: 1})
		cmd := command(t, "check", r.environment()...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err = cmd.Run()
		return stdout.String(), stderr.String(), err
	}
	if out, said, err := run(time.Second); err != nil || !strings.Contains(said, "RunCloud asks to wait 1s") || !strings.Contains(out, "The account has 2 servers") {
		t.Errorf("%v\n%s\n%s", err, out, said)
	}
	if out, said, err := run(time.Hour); err == nil || said != "" || !strings.Contains(out, "it asks to wait 1h0m0s") {
		t.Errorf("%v\n%s\n%s", err, out, said)
	}
}
