package access_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// dying is a context that ends by itself after it was looked at so many times, which
// interrupts a use case at each place in turn.
type dying struct {
	context.Context
	left   atomic.Int64
	cancel context.CancelFunc
}

func dyingAfter(looks int64) *dying {
	ctx, cancel := context.WithCancel(context.Background())
	d := &dying{Context: ctx, cancel: cancel}
	d.left.Store(looks)
	return d
}

func (d *dying) Done() <-chan struct{} {
	if d.left.Add(-1) < 0 {
		d.cancel()
	}
	return d.Context.Done()
}

// TestInterruptedUseCaseChangesNothing cuts every use case off at every place: it
// answers an error and leaves nothing behind, and then it goes through as if it had
// never been tried.
func TestInterruptedUseCaseChangesNothing(t *testing.T) {
	t.Parallel()
	var id int64 // of the request that was made last
	keep := func(r access.Request, err error) error {
		if err == nil {
			id = r.ID
		}
		return err
	}
	key := newKey("alice laptop")
	cases := []struct {
		name string
		do   func(ctx context.Context, h *harness) error
	}{
		{"ask", func(ctx context.Context, h *harness) error {
			return keep(h.AskGrant(ctx, access.GrantAsk{Source: "g", Asker: alice, Person: alice, Duration: 2 * time.Hour}))
		}},
		{"register", func(ctx context.Context, h *harness) error { _, err := h.Register(ctx, alice, key, ""); return err }},
		{"edit", func(ctx context.Context, h *harness) error {
			_, err := h.Edit(ctx, access.Edit{RequestID: id, Actor: bob, Duration: new(time.Hour), Servers: new("web-01")})
			return err
		}},
		{"view", func(ctx context.Context, h *harness) error { _, err := h.View(ctx, id); return err }},
		{"approve", func(ctx context.Context, h *harness) error {
			_, err := h.Decide(ctx, access.Decision{RequestID: id, Actor: bob, Verdict: access.Approve})
			return err
		}},
		{"overview", func(ctx context.Context, h *harness) error { _, err := h.Access(ctx, bob, ""); return err }},
		{"ask to extend", func(ctx context.Context, h *harness) error {
			return keep(h.AskExtend(ctx, access.ExtendAsk{Source: "e", Asker: alice, Person: alice, Duration: time.Hour}))
		}},
		{"pending", func(ctx context.Context, h *harness) error { _, err := h.PendingRequests(ctx, bob); return err }},
		{"extend", func(ctx context.Context, h *harness) error {
			_, err := h.Decide(ctx, access.Decision{RequestID: id, Actor: bob, Verdict: access.Approve})
			return err
		}},
		{"remove key", func(ctx context.Context, h *harness) error { return h.RemoveKey(ctx, alice, key.Fingerprint()) }},
		{"draft", func(ctx context.Context, h *harness) error {
			return keep(h.AskRevoke(ctx, access.RevokeAsk{Source: "r", Asker: bob, Key: &key}))
		}},
		{"confirm", func(ctx context.Context, h *harness) error {
			_, err := h.Confirm(ctx, id, bob, time.Time{})
			return err
		}},
		{"offboard", func(ctx context.Context, h *harness) error {
			return keep(h.Offboard(ctx, access.OffboardAsk{Source: "o", Asker: bob, Person: alice}))
		}},
		{"confirm offboarding", func(ctx context.Context, h *harness) error {
			_, err := h.Confirm(ctx, id, bob, time.Time{})
			return err
		}},
	}
	h := newHarness(t, 2)
	h.must(h.WakeDue(h.ctx()))
	_, err := h.FindServers(h.ctx(), bob, "") // a reading of the servers is no part of what follows
	h.must(err)
	for _, c := range cases {
		before := len(h.verifyAudit())
		looks := int64(0)
		for ; c.do(dyingAfter(looks), h) != nil; looks++ {
			if after := len(h.verifyAudit()); after != before {
				t.Fatalf("%s: cut off after %d looks it left %d events", c.name, looks, after-before)
			}
			if looks > 5000 {
				t.Fatalf("%s never goes through", c.name)
			}
		}
		if looks < 3 {
			t.Errorf("%s was never interrupted", c.name)
		}
	}
	h.work()
	if left := h.account.ours(); len(left) != 0 || !h.view(id).Settled() {
		t.Errorf("in the end %v is left", left)
	}
}

// TestInterruptedWorkGoesOn cuts the work itself off at every place, as when the
// process is told to stop: nothing is lost, nothing is done twice.
func TestInterruptedWorkGoesOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	settle := func(access.Tx) error { return nil }
	sync := func(kind access.WorkKind) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, err := h.Sync(ctx, kind, 1, settle); return err }
	}
	h.interrupt(sync(access.WorkAdd))
	if got := h.account.ours(); len(got) != 1 {
		t.Fatalf("placed %v, want one", got)
	}
	h.clock.Advance(50 * time.Minute)
	h.interrupt(h.Sweep)
	h.clock.Advance(time.Hour)
	h.interrupt(h.Sweep)
	h.interrupt(h.WakeDue)
	h.interrupt(sync(access.WorkRemove))
	if got := h.account.ours(); len(got) != 0 || h.account.writes != 2 {
		t.Errorf("left %v after %d writes", got, h.account.writes)
	}
	h.people.set(alice, access.Deactivated)
	h.interrupt(h.FindLeavers)
	for _, server := range []int64{0, 1} {
		h.interrupt(func(ctx context.Context) error { return h.Inspect(ctx, server, settle) })
	}
	h.interrupt(func(ctx context.Context) error { return h.Summarise(ctx, 0) })
	if told := h.notices(access.NoticeEnding); len(told) != 1 {
		t.Errorf("reminded %d times", len(told))
	}
	h.work()
	h.verifyAudit()
}

// interrupt tries what do does with ever more patience until it goes through.
func (h *harness) interrupt(do func(ctx context.Context) error) {
	h.t.Helper()
	for looks := range int64(5000) {
		if do(dyingAfter(looks)) == nil {
			return
		}
		h.clock.Advance(time.Millisecond)
	}
	h.t.Fatalf("it never goes through")
}
