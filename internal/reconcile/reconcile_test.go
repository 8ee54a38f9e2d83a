package reconcile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

// portions counts the placements that each transaction brings in line, and keeps the work
// that was woken.
type portions struct {
	access.Store
	largest, count int
	woken          map[access.Work]bool
}

func (p *portions) Update(ctx context.Context, fn func(access.Tx) error) error {
	return p.Store.Update(ctx, func(tx access.Tx) error {
		part := &portion{Tx: tx, of: p}
		err := fn(part)
		if err == nil && part.reconciled > 0 {
			p.largest, p.count = max(p.largest, part.reconciled), p.count+1
		}
		return err
	})
}

type portion struct {
	access.Tx
	of         *portions
	reconciled int
}

func (p *portion) Reconcile(ctx context.Context, now time.Time, servers []int64) ([]access.Move, error) {
	changed, err := p.Tx.Reconcile(ctx, now, servers)
	p.reconciled += len(changed)
	return changed, err
}

func (p *portion) Wake(ctx context.Context, work ...access.Work) error {
	for _, w := range work {
		p.of.woken[w] = true
	}
	return p.Tx.Wake(ctx, work...)
}

// inPortions watches what each transaction brings in line from now on.
func inPortions(h *harness) *portions {
	p := &portions{Store: h.Ledger, woken: map[access.Work]bool{}}
	h.SetStore(p)
	return p
}

// run does what was woken, as the queue would, until nothing is woken any more.
func (p *portions) run(h *harness) {
	h.T.Helper()
	for range 100 {
		if len(p.woken) == 0 {
			return
		}
		now := p.woken
		p.woken = map[access.Work]bool{}
		for w := range now {
			if w.Kind == access.WorkAdd || w.Kind == access.WorkRemove || w.Kind == access.WorkAlign {
				h.One(w)
			}
		}
	}
	h.T.Fatalf("the work never ends")
}

// manyKeys gives alice seven keys, on an account of 15 servers: 105 keys to be placed.
func manyKeys(t *testing.T) (h *harness, all int) {
	t.Helper()
	h = newHarness(t, 15)
	for i := range 7 {
		h.MustRegister(alice, fmt.Sprintf("laptop-%d", i))
	}
	return h, 105
}

// However much a decision concerns, no transaction holds up what others write: the rest
// is brought in line server by server.
func TestLargeDecisionsAreCarriedOutInPortions(t *testing.T) {
	t.Parallel()
	h, all := manyKeys(t)
	p := inPortions(h)
	placed := access.PlacementQuery{States: []access.PlacementState{access.PlacementPlaced}}
	r := h.Grant(alice, time.Hour, "")
	if started := len(h.Placements(access.PlacementQuery{})); started != 0 {
		t.Errorf("%d placements within the decision, want none", started)
	}
	p.run(h)
	if now := len(h.Placements(placed)); now != all || workflowtest.States(h.MustView(r.ID), access.PhaseAdd)[access.Done] != all {
		t.Fatalf("%d keys placed: %v", now, workflowtest.States(h.MustView(r.ID), access.PhaseAdd))
	}
	h.Clock.Advance(time.Minute)
	other := h.Grant(alice, 2*time.Hour, "")
	p.run(h)
	if got := workflowtest.States(h.MustView(other.ID), access.PhaseAdd); got[access.AlreadyThere] != all {
		t.Errorf("a second grant: %v", got)
	}
	_, err := h.GiveBack(h.Ctx(), alice, r.GrantID, "back")
	h.Must(err)
	p.run(h)
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseRemove); got[access.Kept] != all || len(h.Placements(placed)) != all {
		t.Errorf("the first is given back: %v", got)
	}
	_, err = h.GiveBack(h.Ctx(), alice, 0, "all back")
	h.Must(err)
	o, err := h.Overview(h.Ctx(), alice)
	h.Must(err)
	if len(o.Debt) == 0 {
		t.Error("nothing is owed although the keys are still there")
	}
	p.run(h)
	if got := workflowtest.States(h.MustView(other.ID), access.PhaseRemove); got[access.Done] != all || len(h.Account.Ours()) != 0 {
		t.Errorf("all is given back: %v, %d keys left", got, len(h.Account.Ours()))
	}
	if p.largest > 100 || p.count < 4 {
		t.Errorf("the largest of %d transactions brought %d placements in line", p.count, p.largest)
	}
}

// Work that was lost is found by the sweep, which does not do it all at once either.
func TestSweepBringsTheRestInLine(t *testing.T) {
	t.Parallel()
	h, all := manyKeys(t)
	p := inPortions(h)
	r := h.Grant(alice, time.Hour, "")
	clear(p.woken)
	h.Must(h.Engine.WakeDue(h.Ctx()))
	if !p.woken[access.Work{Kind: access.WorkAlign}] {
		t.Errorf("the sweep woke %v", p.woken)
	}
	h.Work()
	if got := workflowtest.States(h.MustView(r.ID), access.PhaseAdd); got[access.Done] != all {
		t.Errorf("results %v", got)
	}
	h.Clock.Advance(time.Hour)
	_, err := h.EndDue(h.Ctx())
	h.Must(err)
	h.Must(h.Engine.WakeDue(h.Ctx()))
	h.Work()
	if len(h.Account.Ours()) != 0 {
		t.Errorf("%d keys left", len(h.Account.Ours()))
	}
	if p.largest > 100 {
		t.Errorf("one transaction brought %d placements in line", p.largest)
	}
}
