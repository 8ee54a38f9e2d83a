package reconcile_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// TestInterruptedWorkGoesOn cuts the work itself off at every place, as when the
// process is told to stop: nothing is lost, nothing is done twice.
func TestInterruptedWorkGoesOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	settle := func(access.Tx) error { return nil }
	sync := func(kind access.WorkKind) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, err := h.Engine.Sync(ctx, kind, 1, settle); return err }
	}
	h.Interrupt(sync(access.WorkAdd))
	if got := h.Account.Ours(); len(got) != 1 {
		t.Fatalf("placed %v, want one", got)
	}
	h.Clock.Advance(50 * time.Minute)
	h.Interrupt(h.Sweep)
	h.Clock.Advance(time.Hour)
	h.Interrupt(h.Sweep)
	h.Interrupt(h.Engine.WakeDue)
	h.Interrupt(sync(access.WorkRemove))
	if got := h.Account.Ours(); len(got) != 0 || h.Account.Writes != 2 {
		t.Errorf("left %v after %d writes", got, h.Account.Writes)
	}
	h.People.Set(alice, access.Deactivated)
	h.Interrupt(h.FindDeactivated)
	h.Interrupt(func(ctx context.Context) error { return h.Engine.ReadList(ctx, 1, settle) })
	h.Interrupt(func(ctx context.Context) error { return h.Engine.Inspect(ctx, 1, settle) })
	h.Interrupt(func(ctx context.Context) error { return h.Summarise(ctx, 0) })
	if told := h.Notices(access.NoticeEnding); len(told) != 1 {
		t.Errorf("reminded %d times", len(told))
	}
	h.Work()
	h.VerifyAudit()
}
