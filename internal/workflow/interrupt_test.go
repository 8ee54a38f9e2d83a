package workflow_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// TestInterruptedUseCaseChangesNothing cuts every use case off at every place: it
// returns an error and leaves nothing behind, and then it goes through as if it had
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
	key := workflowtest.NewKey("alice laptop")
	cases := []struct {
		name string
		do   func(ctx context.Context, h *harness) error
	}{
		{"ask", func(ctx context.Context, h *harness) error {
			return keep(h.AskGrant(ctx, workflow.GrantAsk{Source: "g", Asker: alice, Person: alice, Duration: 2 * time.Hour}))
		}},
		{"register", func(ctx context.Context, h *harness) error { return second(h.Register(ctx, alice, key, "")) }},
		{"edit", func(ctx context.Context, h *harness) error {
			return second(h.Edit(ctx, workflow.Edit{RequestID: id, Actor: bob, Duration: new(time.Hour), Servers: new("web-01")}))
		}},
		{"view", func(ctx context.Context, h *harness) error { _, err := h.View(ctx, id); return err }},
		{"approve", func(ctx context.Context, h *harness) error {
			return second(h.Decide(ctx, workflow.Decision{RequestID: id, Actor: bob, Verdict: access.Approve}))
		}},
		{"overview", func(ctx context.Context, h *harness) error { return second(h.Access(ctx, bob, "")) }},
		{"ask to extend", func(ctx context.Context, h *harness) error {
			return keep(h.AskExtend(ctx, workflow.ExtendAsk{Source: "e", Asker: alice, Person: alice, Duration: time.Hour}))
		}},
		{"pending", func(ctx context.Context, h *harness) error {
			return second(h.PendingRequests(ctx, bob, workflow.PageQuery{}))
		}},
		{"extend", func(ctx context.Context, h *harness) error {
			return second(h.Decide(ctx, workflow.Decision{RequestID: id, Actor: bob, Verdict: access.Approve}))
		}},
		{"remove key", func(ctx context.Context, h *harness) error { return h.RemoveKey(ctx, alice, key.Fingerprint()) }},
		{"draft", func(ctx context.Context, h *harness) error {
			return keep(h.AskRevoke(ctx, workflow.RevokeAsk{Source: "r", Asker: bob, Key: &key}))
		}},
		{"confirm", func(ctx context.Context, h *harness) error { return second(h.Confirm(ctx, id, bob, time.Time{})) }},
		{"offboard", func(ctx context.Context, h *harness) error {
			return keep(h.Offboard(ctx, workflow.OffboardAsk{Source: "o", Asker: bob, Person: alice}))
		}},
		{"confirm offboarding", func(ctx context.Context, h *harness) error { return second(h.Confirm(ctx, id, bob, time.Time{})) }},
	}
	h := newHarness(t, 2)
	h.Must(h.Engine.WakeDue(h.Ctx()))
	_, err := h.FindServers(h.Ctx(), bob, "") // a reading of the servers is no part of what follows
	h.Must(err)
	for _, c := range cases {
		before := len(h.VerifyAudit())
		looks := int64(0)
		for ; c.do(workflowtest.DyingAfter(looks), h) != nil; looks++ {
			if after := len(h.VerifyAudit()); after != before {
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
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 || !h.MustView(id).Settled() {
		t.Errorf("in the end %v is left", left)
	}
}
