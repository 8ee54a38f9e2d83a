package reconcile_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow/workflowtest"
)

// serverLeaves has server 2 leave the account with a key of alice's on it, and her be
// offboarded, until it is settled that the server is gone. back has it return.
func serverLeaves(h *harness, t *testing.T) (off access.Request, back func()) {
	h.T.Helper()
	h.Engine.Settings.LongGrants = reconcile.Permanent
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 7*24*time.Hour, "")
	h.Work()
	name := h.Account.Names[2]
	delete(h.Account.Names, 2)
	h.Clock.Advance(10 * time.Minute)
	off = h.MustOffboard(alice)
	h.Pass(50 * time.Minute)
	h.Settled(t, off.ID, false, "the server is only missing")
	h.Pass(40 * time.Minute)
	return off, func() { h.Account.Names[2] = name }
}

func TestKeyOfAServerThatCameBackToTheAccount(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	off, back := serverLeaves(h, t)
	h.Settled(t, off.ID, true, "as far as RunCloud can tell")
	if got := workflowtest.States(h.MustView(off.ID), access.PhaseRemove); got[access.Done] != 1 || got[access.OutOfReach] != 1 {
		t.Errorf("removals %v, want the key on the server that left told apart", got)
	}
	back()
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Trouble
		}
		return workflowtest.NoFault
	}
	_, err := h.FindServers(h.Ctx(), bob, "")
	h.Must(err)
	h.Settled(t, off.ID, false, "the server is back")
	h.Account.Next = nil
	h.Pass(10 * time.Minute)
	if got := workflowtest.States(h.MustView(off.ID), access.PhaseRemove); got[access.Done] != 2 {
		t.Errorf("removals %v", got)
	}
	h.Settled(t, off.ID, true, "removed there")
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestServerThatComesBackIsNoticedWithoutAnybodyAsking(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	off, back := serverLeaves(h, t)
	back()
	h.Pass(6 * time.Hour)
	h.Settled(t, off.ID, true, "removed there as well")
	if got := workflowtest.States(h.MustView(off.ID), access.PhaseRemove); got[access.Done] != 2 || len(h.Account.Ours()) != 0 {
		t.Errorf("removals %v, keys %v", got, h.Account.Ours())
	}
}
