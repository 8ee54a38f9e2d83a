package access_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
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
		if err == nil && part.aligned > 0 {
			p.largest, p.count = max(p.largest, part.aligned), p.count+1
		}
		return err
	})
}

type portion struct {
	access.Tx
	of      *portions
	aligned int
}

func (p *portion) Align(ctx context.Context, now time.Time, servers []int64) ([]access.Placement, error) {
	changed, err := p.Tx.Align(ctx, now, servers)
	p.aligned += len(changed)
	return changed, err
}

func (p *portion) Wake(ctx context.Context, work ...access.Work) error {
	for _, w := range work {
		p.of.woken[w] = true
	}
	return p.Tx.Wake(ctx, work...)
}

// inPortions watches what each transaction brings in line from now on.
func (h *harness) inPortions() *portions {
	p := &portions{Store: h.ledger, woken: map[access.Work]bool{}}
	h.Store = p
	return p
}

// run does what was woken, as the queue would, until nothing is woken any more.
func (p *portions) run(h *harness) {
	h.t.Helper()
	for range 100 {
		if len(p.woken) == 0 {
			return
		}
		now := p.woken
		p.woken = map[access.Work]bool{}
		for w := range now {
			if w.Kind == access.WorkAdd || w.Kind == access.WorkRemove {
				h.one(w)
			}
		}
	}
	h.t.Fatalf("the work never ends")
}

// manyKeys gives alice seven keys, on an account of 15 servers: 105 keys to be placed.
func manyKeys(t *testing.T) (h *harness, all int) {
	t.Helper()
	h = newHarness(t, 15)
	for i := range 7 {
		h.register(alice, fmt.Sprintf("laptop-%d", i))
	}
	return h, 105
}

// However much a decision concerns, no transaction holds up what others write: the rest
// is brought in line server by server.
func TestLargeDecisionsAreCarriedOutInPortions(t *testing.T) {
	t.Parallel()
	h, all := manyKeys(t)
	p := h.inPortions()
	placed := access.PlacementQuery{States: []access.PlacementState{access.PlacementPlaced}}
	r := h.grant(alice, time.Hour, "")
	if started := len(h.placements(access.PlacementQuery{})); started == 0 || started == all {
		t.Errorf("%d placements within the decision, want a part", started)
	}
	p.run(h)
	if now := len(h.placements(placed)); now != all || states(h.view(r.ID), access.PhaseAdd)[access.Done] != all {
		t.Fatalf("%d keys placed: %v", now, states(h.view(r.ID), access.PhaseAdd))
	}
	h.clock.Advance(time.Minute)
	other := h.grant(alice, 2*time.Hour, "")
	p.run(h)
	if got := states(h.view(other.ID), access.PhaseAdd); got[access.AlreadyThere] != all {
		t.Errorf("a second grant: %v", got)
	}
	_, err := h.GiveBack(h.ctx(), alice, r.GrantID, "back")
	h.must(err)
	p.run(h)
	if got := states(h.view(r.ID), access.PhaseRemove); got[access.Kept] != all || len(h.placements(placed)) != all {
		t.Errorf("the first is given back: %v", got)
	}
	_, err = h.GiveBack(h.ctx(), alice, 0, "all back")
	h.must(err)
	o, err := h.Overview(h.ctx(), alice)
	h.must(err)
	if len(o.Debt) == 0 {
		t.Error("nothing is owed although the keys are still there")
	}
	p.run(h)
	if got := states(h.view(other.ID), access.PhaseRemove); got[access.Done] != all || len(h.account.ours()) != 0 {
		t.Errorf("all is given back: %v, %d keys left", got, len(h.account.ours()))
	}
	if p.largest > 100 || p.count < 4 {
		t.Errorf("the largest of %d transactions brought %d placements in line", p.count, p.largest)
	}
}

// Work that was lost is found by the sweep, which does not do it all at once either.
func TestSweepBringsTheRestInLine(t *testing.T) {
	t.Parallel()
	h, all := manyKeys(t)
	p := h.inPortions()
	r := h.grant(alice, time.Hour, "")
	h.must(h.WakeDue(h.ctx()))
	if got := len(h.placements(access.PlacementQuery{States: []access.PlacementState{access.PlacementWanted}})); got != all {
		t.Errorf("%d placements after the sweep", got)
	}
	h.work()
	if got := states(h.view(r.ID), access.PhaseAdd); got[access.Done] != all {
		t.Errorf("results %v", got)
	}
	h.clock.Advance(time.Hour)
	_, err := h.EndDue(h.ctx())
	h.must(err)
	h.must(h.WakeDue(h.ctx()))
	h.work()
	if len(h.account.ours()) != 0 {
		t.Errorf("%d keys left", len(h.account.ours()))
	}
	if p.largest > 100 {
		t.Errorf("one transaction brought %d placements in line", p.largest)
	}
}
