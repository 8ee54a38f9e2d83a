package reconcile_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestKeysDeletedByHandArePlacedAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 4*time.Hour, "")
	h.Work()
	h.Account.Keys[1], h.Account.Keys[2] = nil, nil // somebody cleans up in the dashboard
	h.Clock.Advance(time.Minute)
	again := h.Grant(alice, time.Hour, "")
	if got := workflowtest.States(h.MustView(again.ID), access.PhaseAdd); got[access.Waiting] != 3 {
		t.Errorf("before anybody has asked: %v", got)
	}
	h.Account.Lists = 0
	h.One(access.Work{Kind: access.WorkAdd, ID: 1})
	if woken := queued(h); !slices.Contains(woken, access.Work{Kind: access.WorkRenew, ID: 1}) {
		t.Errorf("a key is missing, and woken was %v", woken)
	}
	h.Work()
	if got := workflowtest.States(h.MustView(again.ID), access.PhaseAdd); got[access.AlreadyThere] != 1 || got[access.Done] != 2 {
		t.Errorf("results %v", got)
	}
	if got := h.Account.Ours(); len(got) != 3 {
		t.Errorf("placed %v", got)
	}
	if missing := h.Events(access.DidPlacementMissing); len(missing) != 1 || !strings.HasSuffix(missing[0].Detail, " on places 1-2") {
		t.Errorf("the log has %+v", missing)
	}
	if leaving := h.Events(access.DidPlacementLeaving); len(leaving) != 0 {
		t.Errorf("the log has the same twice: %+v", leaving)
	}
	h.Pass(5 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// One list for each server, however many keys are to be looked for there, and no more
// than that where they are there.
func TestCostOfKeysThatAreThere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(alice, "alice desktop")
	h.Grant(alice, 4*time.Hour, "")
	h.Work()
	h.Clock.Advance(time.Minute)
	again := h.Ask(alice, time.Hour, "")
	h.Account.Lists, h.Account.Writes, h.Account.Asked, h.Account.Readings = 0, 0, 0, 0
	h.Approve(again.ID)
	h.Work()
	if a := h.Account; a.Lists != 3 || a.Writes != 0 || a.Asked != 0 || a.Readings != 0 {
		t.Errorf("%d lists, %d writes, %d questions, %d readings", a.Lists, a.Writes, a.Asked, a.Readings)
	}
	if got := workflowtest.States(h.MustView(again.ID), access.PhaseAdd); got[access.AlreadyThere] != 6 {
		t.Errorf("results %v", got)
	}
}

// A list that lacks a key by mistake leaves no key behind that the ledger does not know.
func TestListThatLacksAKeyByMistake(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 4*time.Hour, "")
	h.Work()
	h.Clock.Advance(time.Minute)
	again := h.Grant(alice, time.Hour, "")
	h.SetTarget(&blind{Account: h.Account, lists: 1})
	h.Work()
	if got := workflowtest.States(h.MustView(again.ID), access.PhaseAdd); got[access.Done] != 1 {
		t.Errorf("results %v", got)
	}
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("placed %v", got)
	}
	h.Pass(5 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// blind is an account whose next lists are empty.
type blind struct {
	*workflowtest.Account
	lists int
}

func (b *blind) List(ctx context.Context, server string) ([]access.Credential, error) {
	if b.lists--; b.lists >= 0 {
		return nil, nil
	}
	return b.Account.List(ctx, server)
}

func TestKeyThatCannotBeLookedForIsNotCalledThere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 4*time.Hour, "")
	h.Work()
	h.Clock.Advance(time.Minute)
	again := h.Grant(alice, 3*time.Hour, "")
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Trouble }
	h.Work()
	v := h.MustView(again.ID)
	if got := workflowtest.States(v, access.PhaseAdd); got[access.Waiting] != 1 || v.Results[0].Problem != access.ProblemTrouble {
		t.Errorf("RunCloud has trouble: %+v", v.Results)
	}
	h.Account.Next = nil
	h.Pass(10 * time.Minute)
	if got := workflowtest.States(h.MustView(again.ID), access.PhaseAdd); got[access.AlreadyThere] != 1 {
		t.Errorf("afterwards %v", got)
	}
	closed := &forbidding{Account: h.Account, closed: true}
	h.SetTarget(closed)
	refused := h.Grant(alice, 2*time.Hour, "")
	h.Work()
	if got := workflowtest.States(h.MustView(refused.ID), access.PhaseAdd); got[access.Failed] != 1 {
		t.Errorf("refused: %v", got)
	}
	closed.closed = false
	n, err := h.RetryFailed(h.Ctx(), refused.ID, alice)
	h.Must(err)
	h.Work()
	if got := workflowtest.States(h.MustView(refused.ID), access.PhaseAdd); n != 1 || got[access.AlreadyThere] != 1 {
		t.Errorf("retried %d: %v", n, got)
	}
	h.Pass(5 * time.Hour)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestServerThatWentOfflineAMomentAgoIsNotCalledDone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(alice, "alice desktop")
	r := h.Grant(alice, 2*time.Hour, "")
	h.Work()
	h.Clock.Advance(time.Minute)
	h.Account.Offline[2] = true
	h.Clock.Advance(4 * time.Minute)
	h.Account.Asked, h.Account.Readings = 0, 0
	_, err := h.GiveBack(h.Ctx(), alice, 0, "done")
	h.Must(err)
	h.Clock.Advance(time.Second) // until a worker has it
	h.Work()
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Done] != 2 || got[access.Waiting] != 2 {
		t.Errorf("removals %v", got)
	}
	if asked := h.Account.Asked + h.Account.Readings; asked < 1 || asked > 2 {
		t.Errorf("%d questions for two servers with two keys each", asked)
	}
	h.Account.Offline[2] = false
	h.Pass(10 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// paged is an account that lists one server in each call.
type paged struct{ *workflowtest.Account }

func (paged) ServersPerCall() int { return 1 }

// Where many removals wait, all servers are read together, about once a minute, unless that
// takes more calls than to ask for each.
func TestManyRemovalsReadTheServersTogether(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		target          func(*workflowtest.Account) access.Target
		asked, readings int
	}{
		"all in one call": {func(a *workflowtest.Account) access.Target { return a }, 0, 1},
		"one in each":     {func(a *workflowtest.Account) access.Target { return paged{a} }, 60, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 60)
			h.SetTarget(tt.target(h.Account))
			h.MustRegister(alice, "alice laptop")
			h.Grant(alice, 2*time.Hour, "")
			h.Work()
			h.Clock.Advance(10 * time.Minute)
			_, err := h.GiveBack(h.Ctx(), alice, 0, "done")
			h.Must(err)
			h.One(access.Work{Kind: access.WorkAlign})
			h.Clock.Advance(time.Second)
			h.Account.Asked, h.Account.Readings = 0, 0
			h.Work()
			if left := h.Account.Ours(); len(left) != 0 || h.Account.Asked != tt.asked || h.Account.Readings != tt.readings {
				t.Errorf("left %v after %d questions and %d readings, want %d and %d", left, h.Account.Asked, h.Account.Readings, tt.asked, tt.readings)
			}
		})
	}
}
