package access_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestKeysDeletedByHandArePlacedAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.grant(alice, 4*time.Hour, "")
	h.work()
	h.account.keys[1], h.account.keys[2] = nil, nil // somebody cleans up in the dashboard
	h.clock.Advance(time.Minute)
	again := h.grant(alice, time.Hour, "")
	if got := states(h.view(again.ID), access.PhaseAdd); got[access.Waiting] != 3 {
		t.Errorf("before anybody has asked: %v", got)
	}
	h.account.lists = 0
	h.work()
	if got := states(h.view(again.ID), access.PhaseAdd); got[access.AlreadyThere] != 1 || got[access.Done] != 2 {
		t.Errorf("results %v", got)
	}
	if got := h.account.ours(); len(got) != 3 {
		t.Errorf("placed %v", got)
	}
	if missing := h.events("placement.missing"); len(missing) != 2 {
		t.Errorf("the log has %+v", missing)
	}
	h.pass(5 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// One list for each server, however many keys are to be looked for there, and no more
// than that where they are there.
func TestCostOfKeysThatAreThere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.register(alice, "alice desktop")
	h.grant(alice, 4*time.Hour, "")
	h.work()
	h.clock.Advance(time.Minute)
	again := h.ask(alice, time.Hour, "")
	h.account.lists, h.account.writes, h.account.asked, h.account.readings = 0, 0, 0, 0
	h.approve(again.ID)
	h.work()
	if a := h.account; a.lists != 3 || a.writes != 0 || a.asked != 0 || a.readings != 0 {
		t.Errorf("%d lists, %d writes, %d questions, %d readings", a.lists, a.writes, a.asked, a.readings)
	}
	if got := states(h.view(again.ID), access.PhaseAdd); got[access.AlreadyThere] != 6 {
		t.Errorf("results %v", got)
	}
}

// A list that lacks a key by mistake leaves no key behind that the ledger does not know.
func TestListThatLacksAKeyByMistake(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 4*time.Hour, "")
	h.work()
	h.clock.Advance(time.Minute)
	again := h.grant(alice, time.Hour, "")
	h.Target = &blind{account: h.account, lists: 1}
	h.work()
	if got := states(h.view(again.ID), access.PhaseAdd); got[access.Done] != 1 {
		t.Errorf("results %v", got)
	}
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("placed %v", got)
	}
	h.pass(5 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// blind is an account whose next lists are empty.
type blind struct {
	*account
	lists int
}

func (b *blind) List(ctx context.Context, server int64) ([]access.Credential, error) {
	if b.lists--; b.lists >= 0 {
		return nil, nil
	}
	return b.account.List(ctx, server)
}

func TestKeyThatCannotBeLookedForIsNotCalledThere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 4*time.Hour, "")
	h.work()
	h.clock.Advance(time.Minute)
	again := h.grant(alice, 3*time.Hour, "")
	h.account.next = func(int64, bool) fault { return trouble }
	h.work()
	v := h.view(again.ID)
	if got := states(v, access.PhaseAdd); got[access.Waiting] != 1 || v.Results[0].Problem != access.ProblemTrouble {
		t.Errorf("RunCloud has trouble: %+v", v.Results)
	}
	h.account.next = nil
	h.pass(10 * time.Minute)
	if got := states(h.view(again.ID), access.PhaseAdd); got[access.AlreadyThere] != 1 {
		t.Errorf("afterwards %v", got)
	}
	closed := &forbidding{account: h.account, closed: true}
	h.Target = closed
	refused := h.grant(alice, 2*time.Hour, "")
	h.work()
	if got := states(h.view(refused.ID), access.PhaseAdd); got[access.Failed] != 1 {
		t.Errorf("refused: %v", got)
	}
	closed.closed = false
	n, err := h.RetryFailed(h.ctx(), refused.ID, alice)
	h.must(err)
	h.work()
	if got := states(h.view(refused.ID), access.PhaseAdd); n != 1 || got[access.AlreadyThere] != 1 {
		t.Errorf("retried %d: %v", n, got)
	}
	h.pass(5 * time.Hour)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestServerThatWentOfflineAMomentAgoIsNotCalledDone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.register(alice, "alice desktop")
	r := h.grant(alice, 2*time.Hour, "")
	h.work()
	h.clock.Advance(time.Minute)
	h.account.offline[2] = true
	h.clock.Advance(4 * time.Minute)
	h.account.asked, h.account.readings = 0, 0
	_, err := h.GiveBack(h.ctx(), alice, 0, "done")
	h.must(err)
	h.clock.Advance(time.Second) // until a worker has it
	h.work()
	if got := states(h.view(r.ID), access.PhaseRemove); got[access.Done] != 2 || got[access.Waiting] != 2 {
		t.Errorf("removals %v", got)
	}
	if asked := h.account.asked + h.account.readings; asked < 1 || asked > 2 {
		t.Errorf("%d questions for two servers with two keys each", asked)
	}
	h.account.offline[2] = false
	h.pass(10 * time.Minute)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// Where many removals wait, all servers are read together, about once a minute.
func TestManyRemovalsReadTheServersTogether(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 60)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	h.work()
	h.clock.Advance(10 * time.Minute)
	_, err := h.GiveBack(h.ctx(), alice, 0, "done")
	h.must(err)
	h.clock.Advance(time.Second)
	h.account.asked, h.account.readings = 0, 0
	h.work()
	if left := h.account.ours(); len(left) != 0 || h.account.asked != 0 || h.account.readings != 1 {
		t.Errorf("left %v after %d questions and %d readings", left, h.account.asked, h.account.readings)
	}
}
