package workflow_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

// interrupted is an account on which something happens after a server's list was read for an
// inspection, and before what it means is recorded.
type interrupted struct {
	*workflowtest.Account
	between func()
}

func (i interrupted) Sessions(ctx context.Context, server string) ([]access.Session, error) {
	i.between()
	return i.Account.Sessions(ctx, server)
}

// A key that is removed while the list is under way that still has it is not one that the ledger
// did not know.
func TestListIsOlderThanARemoval(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	between := func() {}
	h.SetTarget(interrupted{h.Account, func() { between() }})
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	off := h.MustOffboard(alice)
	h.One(access.Work{Kind: access.WorkList, ID: 1})
	between = func() { h.Sync(access.WorkRemove) }
	h.One(access.Work{Kind: access.WorkInspect, ID: 1})
	if left := h.Account.Ours(); len(left) != 0 {
		t.Fatalf("it was not removed meanwhile: %v", left)
	}
	between = func() {}
	h.Work()
	if found := h.Events(access.DidPlacementFound); len(found) != 0 || !h.MustView(off.ID).Settled() {
		t.Errorf("found were %+v", found)
	}
}
