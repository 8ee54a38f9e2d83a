package access_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// serverLeaves has server 2 leave the account with a key of alice's on it, and her be
// offboarded, until it is settled that the server is gone. back has it return.
func (h *harness) serverLeaves(t *testing.T) (off access.Request, back func()) {
	h.t.Helper()
	h.EngineSettings.LongGrants = access.Permanent
	h.register(alice, "alice laptop")
	h.grant(alice, 7*24*time.Hour, "")
	h.work()
	name := h.account.names[2]
	delete(h.account.names, 2)
	h.clock.Advance(10 * time.Minute)
	off = h.offboard(alice)
	h.pass(50 * time.Minute)
	h.settled(t, off.ID, false, "the server is only missing")
	h.pass(40 * time.Minute)
	return off, func() { h.account.names[2] = name }
}

func TestKeyOfAServerThatCameBackToTheAccount(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	off, back := h.serverLeaves(t)
	h.settled(t, off.ID, true, "as far as RunCloud can tell")
	if got := states(h.view(off.ID), access.PhaseRemove); got[access.Done] != 1 || got[access.OutOfReach] != 1 {
		t.Errorf("removals %v, want the key on the server that left told apart", got)
	}
	back()
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return trouble
		}
		return noFault
	}
	_, err := h.FindServers(h.ctx(), bob, "")
	h.must(err)
	h.settled(t, off.ID, false, "the server is back")
	h.account.next = nil
	h.pass(10 * time.Minute)
	if got := states(h.view(off.ID), access.PhaseRemove); got[access.Done] != 2 {
		t.Errorf("removals %v", got)
	}
	h.settled(t, off.ID, true, "removed there")
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestServerThatComesBackIsNoticedWithoutAnybodyAsking(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	off, back := h.serverLeaves(t)
	back()
	h.pass(6 * time.Hour)
	h.settled(t, off.ID, true, "removed there as well")
	if got := states(h.view(off.ID), access.PhaseRemove); got[access.Done] != 2 || len(h.account.ours()) != 0 {
		t.Errorf("removals %v, keys %v", got, h.account.ours())
	}
}
