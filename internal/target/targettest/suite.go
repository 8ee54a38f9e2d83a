package targettest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"sshkeybot/internal/access"
)

// Run runs the suite. Each check opens a bench of its own, in a bubble of played time; what is
// opened with it is closed by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) *Bench) {
	t.Helper()
	names := slices.Sorted(maps.Keys(checks()))
	synctest.Test(t, func(t *testing.T) {
		for _, f := range open(t).Faults {
			names = append(names, faultCheck+f.Name)
		}
	})
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newTrial(t, open(t)).run(name) })
		})
	}
}

// faultCheck begins the name of the check of a fault.
const faultCheck = "Fault/"

// run runs the check of that name.
func (c *trial) run(name string) {
	if fault, ok := strings.CutPrefix(name, faultCheck); ok {
		c.fault(c.Faults[slices.IndexFunc(c.Faults, func(f Fault) bool { return f.Name == fault })])
		return
	}
	checks()[name](c)
}

func checks() map[string]func(*trial) {
	return map[string]func(*trial){
		"Name":            (*trial).name,
		"Servers":         (*trial).servers,
		"Offline":         (*trial).offline,
		"Left":            (*trial).left,
		"UnknownPlace":    (*trial).unknownPlace,
		"Ping":            (*trial).ping,
		"List":            (*trial).list,
		"ForeignText":     (*trial).foreignText,
		"AddAndRemove":    (*trial).addAndRemove,
		"Apart":           (*trial).apart,
		"Taken":           (*trial).taken,
		"Temporary":       (*trial).temporary,
		"Together":        (*trial).together,
		"Sessions":        (*trial).sessions,
		"Lending":         (*trial).lending,
		"Tokens":          (*trial).tokens,
		"Figures":         (*trial).figures,
		"CancelledBefore": (*trial).cancelledBefore,
		"CancelledDuring": (*trial).cancelledDuring,
		"Pause":           (*trial).pause,
		"LeaveForOneCall": (*trial).leaveForOneCall,
		"LeaveGivenBack":  (*trial).leaveGivenBack,
		"LeaveCancelled":  (*trial).leaveCancelled,
		"LeaveByPriority": (*trial).leaveByPriority,
		"Faults":          (*trial).faults,
	}
}

// reporter is what a check needs of a *testing.T.
type reporter interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
}

// trial is a check under way.
type trial struct {
	reporter
	*Bench
	place string // that it is about
	made  int    // keys so far
}

func newTrial(r reporter, b *Bench) *trial {
	return &trial{reporter: r, Bench: b, place: b.Places()[0].ExternalID}
}

// ok reports whether there is no error, and fails the check if there is one.
func (c *trial) ok(call string, err error) bool {
	c.Helper()
	return c.coded(call, err, "")
}

// coded reports whether an error is of that code, and fails the check if it is not, or is one
// that no target may return. The code of no error is empty.
func (c *trial) coded(call string, err error, want access.Code) bool {
	c.Helper()
	if got := code(err); got != want {
		c.Errorf("%s: code %q, want %q: %v", call, got, want, err)
		return false
	}
	c.fit(call, err)
	return true
}

func code(err error) access.Code {
	if err == nil {
		return ""
	}
	return access.CodeOf(err)
}

// fit fails the check if an error is not fit to be a target's, whatever its code.
func (c *trial) fit(call string, err error) {
	c.Helper()
	if err == nil {
		return
	}
	codes := []access.Code{
		access.Invalid, access.Forbidden, access.NotFound, access.RateLimited, access.Unavailable, access.UnknownOutcome, access.Unauthorized,
	}
	e, ok := errors.AsType[*access.Error](err)
	switch {
	case !ok:
		c.Errorf("%s: not an *access.Error: %v", call, err)
		return
	case !slices.Contains(codes, e.Code):
		c.Errorf("%s: %q is no code of a target: %v", call, e.Code, err)
	case e.Message == "" || e.Message != access.CleanText(e.Message):
		c.Errorf("%s: a person would read %q", call, e.Message)
	case e.RetryAfter < 0:
		c.Errorf("%s: wait for %s", call, e.RetryAfter)
	}
	for _, secret := range append(slices.Clone(c.Secrets), publicKey(0)[30:60]) { // which all our keys share
		if strings.Contains(err.Error(), secret) || strings.Contains(e.Message, secret) {
			c.Errorf("%s: the error shows %q", call, secret)
		}
	}
}

// call is one call of a target.
type call struct {
	name  string
	list  bool // of many things
	write bool
	do    func(context.Context) error
}

// calls returns every call that the target has: they read the place, add a key there and
// remove one.
func (c *trial) calls(remove string) []call {
	added := c.key()
	all := []call{
		{name: "Servers", list: true, do: func(ctx context.Context) error {
			got, err := c.Target.Servers(ctx)
			return c.whole(len(got), err)
		}},
		{name: "List", list: true, do: func(ctx context.Context) error {
			got, err := c.Target.List(ctx, c.place)
			return c.whole(len(got), err)
		}},
		{name: "Ping", do: c.Target.Ping},
		{name: "Add", write: true, do: func(ctx context.Context) error {
			_, err := c.Target.Add(ctx, c.place, added)
			return err
		}},
		{name: "Remove", write: true, do: func(ctx context.Context) error { return c.Target.Remove(ctx, c.place, remove) }},
	}
	if reader, ok := c.Target.(access.ServerReader); ok {
		all = append(all, call{name: "Server", do: func(ctx context.Context) error {
			_, err := reader.Server(ctx, c.place)
			return err
		}})
	}
	if lister, ok := c.Target.(access.SessionLister); ok {
		all = append(all, call{name: "Sessions", do: func(ctx context.Context) error {
			got, err := lister.Sessions(ctx, c.place)
			return c.whole(len(got), err)
		}})
	}
	if lender, ok := c.Target.(access.Lender); ok {
		all = append(all, call{name: "Tokens", list: true, do: func(ctx context.Context) error {
			got, err := lender.Tokens(ctx, c.place)
			return c.whole(len(got), err)
		}})
	}
	return all
}

// whole fails the check if a list comes together with an error, which it returns.
func (c *trial) whole(n int, err error) error {
	c.Helper()
	if err != nil && n > 0 {
		c.Errorf("%d things are listed together with: %v", n, err)
	}
	return err
}
