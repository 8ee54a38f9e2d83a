package reconcile_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// patient is a target that wants to be left alone for a day, and lets a call a minute
// through that ends access, as its limiter would.
type patient struct {
	*workflowtest.Account
	until time.Time
	told  bool
	calls int
}

func (p *patient) Pace() access.Pace {
	if !p.told {
		return access.Pace{}
	}
	return access.Pace{Pause: max(0, p.until.Sub(p.Clock.Now()))}
}

func (p *patient) refuse() error {
	p.calls++
	if p.told = p.Clock.Now().Before(p.until); p.told {
		return &access.Error{Code: access.RateLimited, Message: "Too Many Attempts.", RetryAfter: p.until.Sub(p.Clock.Now())}
	}
	return nil
}

func (p *patient) Servers(ctx context.Context) ([]access.Server, error) {
	if err := p.refuse(); err != nil {
		return nil, err
	}
	return p.Account.Servers(ctx)
}

func (p *patient) Server(ctx context.Context, id string) (access.Server, error) {
	if err := p.refuse(); err != nil {
		return access.Server{}, err
	}
	return p.Account.Server(ctx, id)
}

func (p *patient) List(ctx context.Context, server string) ([]access.Credential, error) {
	if err := p.refuse(); err != nil {
		return nil, err
	}
	return p.Account.List(ctx, server)
}

func (p *patient) Add(ctx context.Context, server string, c access.Credential) (access.Credential, error) {
	if err := p.refuse(); err != nil {
		return access.Credential{}, err
	}
	return p.Account.Add(ctx, server, c)
}

func (p *patient) Remove(ctx context.Context, server, id string) error {
	if err := p.refuse(); err != nil {
		return err
	}
	return p.Account.Remove(ctx, server, id)
}

func TestTargetThatAsksForADayIsTriedByRemovalsAlone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	h.Grant(alice, 5*time.Hour, "")
	h.Work()
	p := &patient{Account: h.Account, until: h.Clock.Now().Add(24 * time.Hour)}
	h.SetTarget(p)
	r := h.Grant(carol, 5*time.Hour, "")
	h.Work()
	calls := p.calls
	minutes := func(n int) {
		for range n {
			h.Clock.Advance(time.Minute)
			h.Must(h.Sweep(h.Ctx()))
			h.Must(h.Engine.WakeDue(h.Ctx()))
			h.Work()
		}
	}
	minutes(30)
	if more := p.calls - calls; more > 0 {
		t.Errorf("%d calls for what gives access", more)
	}
	if v := h.MustView(r.ID); v.Paused.Before(p.until) || v.Paused.After(p.until.Add(time.Minute)) {
		t.Errorf("paused until %v is shown, want %v", v.Paused, p.until)
	}
	if _, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "x", Asker: alice, Person: alice, Duration: time.Hour}); err != nil {
		t.Errorf("asking for access: %v", err)
	}
	_, err := h.GiveBack(h.Ctx(), alice, 0, "done")
	h.Must(err)
	calls = p.calls
	minutes(10)
	if more := p.calls - calls; more < 30 || more > 33 { // of three keys; the limiter lets one of these through
		t.Errorf("%d tries of the removals in ten minutes, want one a minute for each key", more)
	}
	p.until = h.Clock.Now()
	minutes(1)
	if left := h.Account.KeysOf(alice); len(left) != 0 {
		t.Errorf("a minute after it takes calls again left %v", left)
	}
	minutes(6)
	if placed := h.Account.KeysOf(carol); len(placed) != 3 {
		t.Errorf("six minutes later placed %v", placed)
	}
}

// keeper is a target that counts how often it is told that removals come.
type keeper struct {
	*workflowtest.Account
	told int
}

func (k *keeper) Reserve(time.Duration) { k.told++ }

func TestRateIsKeptForWhatEndsWithinAMinute(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	k := &keeper{Account: h.Account}
	h.SetTarget(k)
	h.Grant(alice, time.Hour, "")
	h.Work()
	sweep := func(after time.Duration) bool {
		h.Clock.Advance(after)
		before := k.told
		h.Must(h.Sweep(h.Ctx()))
		return k.told > before
	}
	if sweep(58 * time.Minute) {
		t.Error("kept two minutes before the end")
	}
	if !sweep(time.Minute + time.Second) {
		t.Error("not kept within the last minute")
	}
	if !sweep(time.Minute) {
		t.Error("not kept for the removals that are due")
	}
	h.Work()
	if len(h.Account.KeysOf(alice)) != 0 || sweep(time.Minute) {
		t.Error("still kept after the removals")
	}
}
