package targettest

import (
	"context"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
)

// settled is when everything has taken effect that was under way.
const settled = time.Hour

// fault makes each call while the service goes wrong, looks at what came of it, and reads the
// truth when that is over.
func (c *trial) fault(f Fault) {
	planted := c.Plant(c.place, c.key())
	if f.Lists || f.Keys {
		c.plantMany()
	}
	heal := f.Set()
	for _, call := range c.calls(planted) {
		c.meets(f, call)
	}
	if heal == nil {
		return
	}
	heal()
	c.isListed()
	want := access.Code("")
	if !slices.ContainsFunc(c.Keys(c.place), func(k access.Credential) bool { return k.ID == planted }) {
		want = access.NotFound
	}
	c.coded("Remove after the fault", c.Target.Remove(c.Context(), c.place, planted), want)
}

// meets makes one call that meets a fault.
func (c *trial) meets(f Fault, call call) {
	c.Helper()
	want := f.Read
	if call.write {
		want = f.Write
	}
	if f.Lists && !call.list || f.Keys && call.name != "List" {
		want = ""
	}
	keys, arrived := len(c.Keys(c.place)), c.Additions()
	ctx, cancel := context.WithTimeout(c.Context(), settled)
	defer cancel()
	err := call.do(ctx)
	if ctx.Err() != nil {
		c.Errorf("%s: does not give up by itself", call.name)
	}
	sent := c.Additions() - arrived
	time.Sleep(settled)
	c.coded(call.name, err, want)
	if applied := len(c.Keys(c.place)) != keys; applied != (call.write && (err == nil || f.Applied)) {
		c.Errorf("%s took effect: %v; it returned: %v", call.name, applied, err)
	}
	if sent != c.Additions()-arrived || sent > 1 || sent == 0 && call.name == "Add" && code(err) == access.UnknownOutcome {
		c.Errorf("%s: %d additions were sent, %d in the end; it returned: %v", call.name, sent, c.Additions()-arrived, err)
	}
	if err != nil && f.RetryAfter != access.RetryAfter(err) && f.RetryAfter > 0 {
		c.Errorf("%s: wait for %s, want %s", call.name, access.RetryAfter(err), f.RetryAfter)
	}
	if err != nil && !strings.Contains(access.MessageOf(err), f.Words) {
		c.Errorf("%s: a person reads %q, want %q", call.name, access.MessageOf(err), f.Words)
	}
}

// faults looks at the bench itself: whether its faults show what matters most, and whether
// what is to come of them is honest.
func (c *trial) faults() {
	seen := map[string]bool{}
	for _, f := range c.Faults {
		if seen[f.Name] {
			c.Errorf("two faults are called %q", f.Name)
		}
		seen[f.Name], seen[string(f.Read)], seen[string(f.Write)] = true, true, true
		seen["lost"] = seen["lost"] || f.Applied
		seen["hangs"] = seen["hangs"] || f.Hangs
		if f.Applied && f.Write != access.UnknownOutcome {
			c.Errorf("%s: a write that takes effect has an unknown outcome, not %q", f.Name, f.Write)
		}
	}
	for _, what := range []string{"lost", "hangs", string(access.Unauthorized), string(access.Unavailable), string(access.UnknownOutcome)} {
		if !seen[what] {
			c.Errorf("no fault is of the kind %q", what)
		}
	}
	if len(c.Secrets) == 0 {
		c.Errorf("the bench has no secrets")
	}
}

// pause has the target ask to be left alone for a while, which it then is.
func (c *trial) pause() {
	for _, f := range c.Faults {
		if f.RetryAfter == 0 {
			continue
		}
		heal := f.Set()
		_, err := c.Target.List(c.Context(), c.place)
		heal()
		c.coded("List", err, f.Read)
		began := time.Now()
		if paced, ok := c.Target.(access.Paced); ok && paced.Pace().Pause < f.RetryAfter {
			c.Errorf("%s: its pace is %+v", f.Name, paced.Pace())
		}
		if _, release, err := c.Target.Acquire(c.Context(), access.Addition); err != nil {
			c.Errorf("%s: Acquire: %v", f.Name, err)
		} else {
			release()
		}
		if waited := time.Since(began); waited < f.RetryAfter {
			c.Errorf("%s: a call may be made after %s", f.Name, waited)
		}
		if paced, ok := c.Target.(access.Paced); ok && paced.Pace().Pause != 0 {
			c.Errorf("%s: once it is over its pace is %+v", f.Name, paced.Pace())
		}
	}
}

// cancelledBefore makes calls that nobody waits for: they are not made.
func (c *trial) cancelledBefore() {
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	planted := c.Plant(c.place, c.key())
	for _, call := range c.calls(planted) {
		began := time.Now()
		c.coded(call.name, call.do(ctx), access.Unavailable)
		if waited := time.Since(began); waited > 0 {
			c.Errorf("%s: returned after %s", call.name, waited)
		}
	}
	time.Sleep(settled)
	if c.stand(planted); c.Additions() != 0 {
		c.Errorf("%d additions were made", c.Additions())
	}
}

// cancelledDuring gives calls up that are not answered.
func (c *trial) cancelledDuring() {
	for _, f := range c.Faults {
		if !f.Hangs {
			continue
		}
		heal := f.Set()
		for _, call := range c.calls(c.Plant(c.place, c.key())) {
			c.givenUp(f.Name, call)
		}
		time.Sleep(settled)
		heal()
		c.isListed()
	}
}

func (c *trial) givenUp(fault string, call call) {
	c.Helper()
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	done := make(chan error, 1)
	arrived := c.Additions()
	go func() { done <- call.do(ctx) }()
	synctest.Wait()
	if len(done) > 0 {
		c.Errorf("%s: %s does not wait for an answer: %v", fault, call.name, <-done)
		return
	}
	cancel()
	synctest.Wait()
	if len(done) == 0 {
		c.Errorf("%s: %s goes on when nobody waits for it", fault, call.name)
		return
	}
	want := access.Unavailable
	if call.write {
		want = access.UnknownOutcome
	}
	c.coded(fault+": "+call.name, <-done, want)
	if sent := c.Additions() - arrived; sent > 1 {
		c.Errorf("%s: %s sent %d additions", fault, call.name, sent)
	}
}
