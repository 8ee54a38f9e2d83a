package workflow_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// modelGrant is a grant as a person with pen and paper would keep it.
type modelGrant struct {
	person  access.UserID
	user    string
	servers []int64
	keys    []string // TYPE BLOB's blob
	ends    time.Time
	over    bool
}

// model is the whole truth in a few lines: what must be on the servers is the
// union of the grants that are live now.
type model struct {
	grants []*modelGrant
	keys   map[access.UserID][]string
	gone   map[access.UserID]bool
}

func (m *model) union(now time.Time) []string {
	set := []string{}
	for _, g := range m.grants {
		if g.over || !now.Before(g.ends) {
			continue
		}
		for _, server := range g.servers {
			for _, key := range g.keys {
				set = append(set, fmt.Sprintf("%d %s %s", server, g.user, key))
			}
		}
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// TestServersFollowTheUnionOfLiveGrants drives random asks, approvals, extensions,
// revocations, ends, offboardings, faults, crashes, calls that land late and jumps of
// the clock, and compares the servers with the model whenever the work has come to
// rest. At every step, nobody who is said to be offboarded has a key anywhere.
func TestServersFollowTheUnionOfLiveGrants(t *testing.T) {
	t.Parallel()
	checkWorlds(t, 5, func(rt *rapid.T, w *world) {
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			w.step(rt)
			w.honest(rt)
		}
		w.settle(rt)
	})
}

// TestNobodyIsSaidToBeOffboardedTooEarly offboards in the midst of calls that go wrong
// and land late, and looks every few seconds at what is said.
func TestNobodyIsSaidToBeOffboardedTooEarly(t *testing.T) {
	t.Parallel()
	checkWorlds(t, 2, func(rt *rapid.T, w *world) {
		w.askAndApprove(rt)
		w.askAndApprove(rt)
		for step := range rapid.IntRange(3, 12).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "break") {
				w.breakThings(rt)
			}
			if step == 2 || rapid.IntRange(0, 9).Draw(rt, "leave") == 0 {
				w.offboard(rt)
			}
			w.Work()
			w.Clock.Advance(time.Duration(rapid.IntRange(1, 60).Draw(rt, "seconds")) * time.Second)
			w.Must(w.Engine.WakeDue(w.Ctx()))
			w.honest(rt)
		}
		w.settle(rt)
		for _, r := range w.left {
			if !w.MustView(r.ID).Settled() {
				rt.Fatalf("the offboarding of %s never ends", r.Person)
			}
		}
	})
}

func checkWorlds(t *testing.T, servers int64, live func(rt *rapid.T, w *world)) {
	t.Helper()
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		ledger, err := workflowtest.OpenLedger(filepath.Join(dir, fmt.Sprintf("%d.db", run)))
		if err != nil {
			rt.Fatalf("open: %v", err)
		}
		defer ledger.Close()
		w := &world{harness: workflowtest.NewHarnessOn(rt, ledger, int(servers)), size: servers, model: model{keys: map[access.UserID][]string{}, gone: map[access.UserID]bool{}}}
		w.furthest = w.Clock.Now()
		w.Watch = func() { w.honest(rt) }
		w.Settings.MaxDuration = 100 * 24 * time.Hour
		live(rt, w)
		w.VerifyAudit()
	})
}

type world struct {
	*harness
	model    model
	size     int64            // servers
	left     []access.Request // the offboardings
	furthest time.Time        // the latest time that the clock has ever shown
}

var modelPeople = []access.UserID{alice, carol}

func (w *world) step(rt *rapid.T) {
	switch rapid.IntRange(0, 13).Draw(rt, "act") {
	case 0, 1, 2:
		w.askAndApprove(rt)
	case 3:
		w.extend(rt)
	case 4:
		w.revoke(rt)
	case 5:
		w.giveBack(rt)
	case 6:
		sweepAfter(w.harness, time.Duration(rapid.IntRange(1, 40*60).Draw(rt, "minutes"))*time.Minute)
		w.endDue()
	case 7:
		w.breakThings(rt)
		w.Work()
	case 8:
		w.toggleServer(rt)
	case 9:
		w.settle(rt)
	case 10:
		if rapid.IntRange(0, 4).Draw(rt, "leave") == 0 {
			w.offboard(rt)
		}
	case 11, 12:
		w.Clock.Advance(time.Duration(rapid.IntRange(1, 150).Draw(rt, "seconds")) * time.Second)
		w.Must(w.Engine.WakeDue(w.Ctx()))
		w.Work()
	case 13:
		w.Clock.Advance(-time.Duration(rapid.IntRange(1, 3*60).Draw(rt, "minutes back")) * time.Minute)
	}
}

// honest fails when somebody is said to be offboarded of whom the bot has placed a key
// that is still on a server.
func (w *world) honest(rt *rapid.T) {
	for _, r := range w.left {
		if servers := w.Account.KeysOf(r.Person); len(servers) > 0 && w.MustView(r.ID).Settled() {
			rt.Fatalf("%s is said to be offboarded, and has keys on %v", r.Person, servers)
		}
	}
}

// endDue has the grants that a sweep has ended stay ended, wherever the clock goes.
func (w *world) endDue() {
	now := w.Clock.Now()
	for _, g := range w.model.grants {
		g.over = g.over || !now.Before(g.ends)
	}
	if now.After(w.furthest) {
		w.furthest = now
	}
}

func (w *world) person(rt *rapid.T) (access.UserID, bool) {
	p := rapid.SampledFrom(modelPeople).Draw(rt, "person")
	return p, !w.model.gone[p]
}

func (w *world) servers(rt *rapid.T) []int64 {
	chosen := rapid.SliceOfNDistinct(rapid.Int64Range(1, w.size), 1, int(w.size), rapid.ID[int64]).Draw(rt, "servers")
	slices.Sort(chosen)
	return chosen
}

func pattern(servers []int64) string {
	var parts []string
	for _, id := range servers {
		parts = append(parts, fmt.Sprintf("#%d", id))
	}
	return strings.Join(parts, ",")
}

func (w *world) askAndApprove(rt *rapid.T) {
	p, ok := w.person(rt)
	if !ok {
		return
	}
	if len(w.model.keys[p]) == 0 || rapid.IntRange(0, 3).Draw(rt, "new key") == 0 {
		key := w.MustRegister(p, fmt.Sprintf("%s %d", p, len(w.model.keys[p])))
		w.model.keys[p] = append(w.model.keys[p], key.Blob)
	}
	g := &modelGrant{
		person: p, user: rapid.SampledFrom([]string{"runcloud", "root"}).Draw(rt, "user"), servers: w.servers(rt),
		keys: slices.Clone(w.model.keys[p]),
	}
	d := time.Duration(rapid.IntRange(10, 40*60).Draw(rt, "duration")) * time.Minute
	r, err := w.AskGrant(w.Ctx(), workflow.GrantAsk{Source: w.NextSource(), Asker: p, Person: p, Duration: d, Servers: pattern(g.servers), SystemUser: g.user})
	if access.CodeOf(err) == access.Conflict {
		return // the very same was asked a moment ago
	}
	w.Must(err)
	w.Approve(r.ID)
	g.ends = w.Clock.Now().Add(d)
	w.model.grants = append(w.model.grants, g)
}

func (w *world) live(p access.UserID) (live []*modelGrant) {
	for _, g := range w.model.grants {
		if g.person == p && !g.over && w.Clock.Now().Before(g.ends) {
			live = append(live, g)
		}
	}
	return live
}

func (w *world) extend(rt *rapid.T) {
	p, ok := w.person(rt)
	live := w.live(p)
	if !ok || len(live) == 0 {
		return
	}
	next := slices.MinFunc(live, func(a, b *modelGrant) int { return a.ends.Compare(b.ends) })
	d := time.Duration(rapid.IntRange(10, 20*60).Draw(rt, "longer")) * time.Minute
	r, err := w.AskExtend(w.Ctx(), workflow.ExtendAsk{Source: w.NextSource(), Asker: p, Person: p, Duration: d})
	if access.CodeOf(err) == access.Conflict {
		return
	}
	w.Must(err)
	w.Approve(r.ID)
	next.ends = next.ends.Add(d)
}

func (w *world) revoke(rt *rapid.T) {
	p, ok := w.person(rt)
	live := w.live(p)
	if !ok || len(live) == 0 {
		return
	}
	servers := w.servers(rt)
	if rapid.Bool().Draw(rt, "everywhere") {
		servers = servers[:0]
		for id := range w.size {
			servers = append(servers, id+1)
		}
	}
	r, err := w.AskRevoke(w.Ctx(), workflow.RevokeAsk{Source: w.NextSource(), Asker: bob, Person: p, Servers: pattern(servers)})
	w.Must(err)
	_, err = w.Confirm(w.Ctx(), r.ID, bob, time.Time{})
	w.Must(err)
	for _, g := range live {
		g.servers = slices.DeleteFunc(g.servers, func(id int64) bool { return slices.Contains(servers, id) })
		g.over = len(g.servers) == 0
	}
}

func (w *world) giveBack(rt *rapid.T) {
	p, ok := w.person(rt)
	live := w.live(p)
	if !ok || len(live) == 0 {
		return
	}
	_, err := w.GiveBack(w.Ctx(), p, 0, w.NextSource())
	w.Must(err)
	for _, g := range live {
		g.over = true
	}
}

func (w *world) offboard(rt *rapid.T) {
	p, ok := w.person(rt)
	if !ok {
		return
	}
	r, err := w.Offboard(w.Ctx(), workflow.OffboardAsk{Source: w.NextSource(), Asker: bob, Person: p})
	w.Must(err)
	_, err = w.Confirm(w.Ctx(), r.ID, bob, time.Time{})
	w.Must(err)
	w.left = append(w.left, r)
	w.model.gone[p] = true
	for _, g := range w.live(p) {
		g.over = true
	}
}

func (w *world) toggleServer(rt *rapid.T) {
	id := rapid.Int64Range(1, w.size).Draw(rt, "server")
	w.Account.Offline[id] = !w.Account.Offline[id]
}

// breakThings has the next calls go wrong, in an order that is drawn.
func (w *world) breakThings(rt *rapid.T) {
	faults := rapid.SliceOfN(rapid.SampledFrom([]workflowtest.Fault{workflowtest.NoFault, workflowtest.Trouble, workflowtest.Lost, workflowtest.LostUndone, workflowtest.CrashBefore, workflowtest.CrashAfter, workflowtest.Late, workflowtest.CrashLate}), 1, 12).Draw(rt, "faults")
	w.Account.LateBy = time.Duration(rapid.IntRange(1, 119).Draw(rt, "late by")) * time.Second
	w.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if len(faults) == 0 {
			return workflowtest.NoFault
		}
		f := faults[0]
		faults = faults[1:]
		if !write && (f == workflowtest.Lost || f == workflowtest.Late) {
			f = workflowtest.Trouble
		}
		return f
	}
}

// settle mends everything, lets the work come to rest, and compares. After a clock
// that went back, that takes until it has caught up: a time of the next try that was
// written before the jump holds.
func (w *world) settle(rt *rapid.T) {
	w.Account.Next = nil
	clear(w.Account.Offline)
	const rest = 40 * time.Minute // longer than any backoff, any late look, and any question about an offline server
	w.Pass(rest + max(0, w.furthest.Sub(w.Clock.Now())))
	w.endDue()
	want := w.model.union(w.Clock.Now())
	if diff := cmp.Diff(want, w.Account.Ours()); diff != "" {
		rt.Fatalf("servers differ from the union of live grants (-want +got):\n%s", diff)
	}
}
