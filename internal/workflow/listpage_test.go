package workflow_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// crowded has 500 entries in the list of who has access: 60 keys are owed, 40 requests wait and 400 grants live.
func crowded(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, 1)
	h.Must(second(h.FindServers(h.Ctx(), bob, "")))
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		for i := range 500 {
			if err := addEntry(h, tx, i); err != nil {
				return err
			}
		}
		return nil
	}))
	return h
}

func addEntry(h *harness, tx access.Tx, i int) error {
	past := h.Now().Add(-time.Hour)
	if i%25 < 3 {
		_, err := tx.InsertPlacement(h.Ctx(), access.Placement{
			ServerID: 1, SystemUser: fmt.Sprintf("user%d", i), Fingerprint: "SHA256:a", State: access.PlacementLeaving, LeftAt: past, Person: alice,
		})
		return err
	}
	state := access.Approved
	if i%25 < 5 {
		state = access.Pending
	}
	r, _, err := tx.InsertRequest(h.Ctx(), access.Request{Kind: access.KindGrant, State: state, Asker: alice, Person: alice, CreatedAt: past, ExpiresAt: h.Now().Add(time.Hour)}, nil)
	if err != nil || state == access.Pending {
		return err
	}
	_, err = tx.InsertGrant(h.Ctx(), access.Grant{RequestID: r.ID, Person: alice, SystemUser: "runcloud", State: access.Live, StartsAt: past, EndsAt: h.Now().Add(time.Hour)}, nil)
	return err
}

// namesOn names what a page shows.
func namesOn(p workflow.AccessPage) (all []string) {
	for _, d := range p.Debt {
		all = append(all, fmt.Sprintf("owed %d", d.Placement.ID))
	}
	for _, r := range p.Waiting {
		all = append(all, fmt.Sprintf("waiting %d", r.ID))
	}
	for _, g := range p.Grants {
		all = append(all, fmt.Sprintf("live %d", g.Grant.ID))
	}
	return all
}

// walk reads pages from the first to the last, and calls between before each other one.
func walk[P any](t *testing.T, read func(workflow.PageQuery) (P, error), place func(P) workflow.Page, between func(P)) (pages []P) {
	t.Helper()
	var q workflow.PageQuery
	for {
		page, err := read(q)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
		here := place(page)
		if here.Last == here.Total() {
			return pages
		}
		q.After = here.To
		between(page)
	}
}

func accessPages(t *testing.T, h *harness, between func(workflow.AccessPage)) []workflow.AccessPage {
	t.Helper()
	read := func(q workflow.PageQuery) (workflow.AccessPage, error) { return h.AccessPage(h.Ctx(), bob, "", q) }
	return walk(t, read, func(p workflow.AccessPage) workflow.Page { return p.Page }, between)
}

func shownOn(pages []workflow.AccessPage) (all []string) {
	for _, p := range pages {
		all = append(all, namesOn(p)...)
	}
	return all
}

// The pages of the list show each of 500 entries once, what is owed first, then what waits; and the way back leads
// over the same pages.
func TestPagesOfTheListShowEverythingOnce(t *testing.T) {
	t.Parallel()
	h := crowded(t)
	pages := accessPages(t, h, func(workflow.AccessPage) {})
	all := shownOn(pages)
	if n := len(slices.Compact(slices.Sorted(slices.Values(all)))); n != 500 || len(all) != 500 || len(pages) != 25 {
		t.Errorf("%d pages show %d entries, %d different ones", len(pages), len(all), n)
	}
	for i, p := range pages {
		if p.First != i*20+1 || p.Last != i*20+20 || p.Total() != 500 || p.Overdue != 60 || p.Open() != 40 || p.Live() != 400 {
			t.Errorf("page %d is %+v", i+1, p.Page)
		}
		if len(p.Debt) > 0 && i >= 3 || len(p.Waiting) > 0 && (i < 3 || i >= 5) {
			t.Errorf("page %d has %d owed and %d waiting", i+1, len(p.Debt), len(p.Waiting))
		}
	}
	for i := len(pages) - 1; i > 0; i-- {
		back, err := h.AccessPage(h.Ctx(), bob, "", workflow.PageQuery{Before: pages[i].From})
		if err != nil || !slices.Equal(namesOn(back), namesOn(pages[i-1])) {
			t.Errorf("before page %d: %v, %v", i+1, namesOn(back), err)
		}
	}
}

// While grants end and begin between two looks, what stays is shown once all the same, and what begins is shown at
// the end.
func TestPagesOfTheListWhileEntriesComeAndGo(t *testing.T) {
	t.Parallel()
	h := crowded(t)
	live := h.Grants(access.GrantQuery{State: access.Live})
	gone := map[string]bool{}
	end := func(tx access.Tx, g access.Grant) error {
		gone[fmt.Sprintf("live %d", g.ID)] = true
		g.State = access.Ended
		return second(tx.MoveGrant(h.Ctx(), g, access.Live))
	}
	n := 0
	pages := accessPages(t, h, func(p workflow.AccessPage) {
		h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
			if n++; len(p.Grants) > 0 {
				h.Must(end(tx, p.Grants[len(p.Grants)-1].Grant)) // the very one that marks the next page
			}
			h.Must(end(tx, live[len(live)-n]))
			return addEntry(h, tx, 24)
		}))
	})
	seen := map[string]int{}
	for _, name := range shownOn(pages) {
		seen[name]++
	}
	for _, g := range h.Grants(access.GrantQuery{State: access.Live}) {
		if name := fmt.Sprintf("live %d", g.ID); seen[name] != 1 {
			t.Errorf("%s was shown %d times", name, seen[name])
		}
	}
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s was shown %d times; gone: %t", name, times, gone[name])
		}
	}
}

// A page whose entries have all gone is the one that is left on that side.
func TestPageThatHasGone(t *testing.T) {
	t.Parallel()
	h := crowded(t)
	pages := accessPages(t, h, func(workflow.AccessPage) {})
	last, second := pages[24], pages[1]
	for name, tt := range map[string]struct {
		q    workflow.PageQuery
		want workflow.AccessPage
	}{
		"after the end":             {workflow.PageQuery{After: last.To}, last},
		"before the start":          {workflow.PageQuery{Before: pages[0].From}, pages[0]},
		"less than a page is there": {workflow.PageQuery{Before: workflow.Mark{ID: second.From.ID - 1}}, pages[0]},
		"no such part":              {workflow.PageQuery{After: workflow.Mark{Part: 9, ID: 1}}, last},
		"before no such part":       {workflow.PageQuery{Before: workflow.Mark{Part: 9, ID: 1}}, last},
	} {
		if got, err := h.AccessPage(h.Ctx(), bob, "", tt.q); err != nil || !slices.Equal(namesOn(got), namesOn(tt.want)) {
			t.Errorf("%s: %v, %v", name, namesOn(got), err)
		}
	}
	if got, err := h.AccessPage(h.Ctx(), bob, carol, workflow.PageQuery{After: last.To}); err != nil || got.Total() != 0 || got.First != 0 {
		t.Errorf("of somebody without access: %+v, %v", got, err)
	}
}

func TestPagesOfPendingRequestsAndServers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 500)
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		for range 500 {
			h.Must(addEntry(h, tx, 3))
		}
		return nil
	}))
	requests := map[int64]bool{}
	readPending := func(q workflow.PageQuery) (workflow.PendingPage, error) { return h.PendingRequests(h.Ctx(), bob, q) }
	for _, p := range walk(t, readPending, func(p workflow.PendingPage) workflow.Page { return p.Page }, func(workflow.PendingPage) {}) {
		for _, v := range p.Views {
			requests[v.Request.ID] = true
		}
		if p.Last-p.First+1 != len(p.Views) || p.Total() != 500 {
			t.Errorf("%d of %+v", len(p.Views), p.Page)
		}
	}
	if len(requests) != 500 {
		t.Errorf("%d requests are shown", len(requests))
	}
	var names []string
	readServers := func(q workflow.PageQuery) (workflow.ServersPage, error) {
		return h.ServersPage(h.Ctx(), bob, "web-*", q)
	}
	pages := walk(t, readServers, func(p workflow.ServersPage) workflow.Page { return p.Page }, func(workflow.ServersPage) {})
	for _, p := range pages {
		for _, s := range p.Servers {
			names = append(names, s.Name)
		}
	}
	if len(names) != 500 || !slices.IsSorted(names) || len(slices.Compact(names)) != 500 {
		t.Errorf("%d servers are shown", len(names))
	}
	back, err := readServers(workflow.PageQuery{Before: pages[5].From})
	if err != nil || back.From != pages[4].From || back.To != pages[4].To {
		t.Errorf("the way back leads to %+v, %v", back.Page, err)
	}
	if gone, err := readServers(workflow.PageQuery{After: workflow.Mark{ID: 9999}}); err != nil || gone.First != 1 {
		t.Errorf("after a server that is gone: %+v, %v", gone.Page, err)
	}
}

// Each page is asked for anew, so somebody who may not see it any more is refused.
func TestPagesAreRefusedToWhoMayNotSeeThem(t *testing.T) {
	t.Parallel()
	h := crowded(t)
	page, err := h.AccessPage(h.Ctx(), bob, "", workflow.PageQuery{})
	h.Must(err)
	q := workflow.PageQuery{After: page.To}
	refuses(t, second(h.AccessPage(h.Ctx(), carol, alice, q)), access.Forbidden, "somebody else's access")
	refuses(t, second(h.PendingRequests(h.Ctx(), carol, q)), access.Forbidden, "Only an approver")
	refuses(t, second(h.ServersPage(h.Ctx(), carol, "", q)), access.Forbidden, "Only an approver")
	if own, err := h.AccessPage(h.Ctx(), carol, "", q); err != nil || own.Total() != 0 {
		t.Errorf("whoever names nobody sees %d entries, %v", own.Total(), err)
	}
}

// What a message shows is bounded, however much is overdue; what it leaves out is counted.
func TestSummaryHasTheFirstOfWhatIsOverdue(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		for i := range 150 {
			left := h.Now().Add(-time.Hour)
			if i%50 == 0 {
				left = h.Now()
			}
			if _, err := tx.InsertPlacement(h.Ctx(), access.Placement{
				ServerID: 1, SystemUser: fmt.Sprintf("user%d", i), Fingerprint: "SHA256:a", State: access.PlacementLeaving, LeftAt: left, Person: alice,
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	for name, read := range map[string]func() (workflow.Overview, error){
		"summary": func() (workflow.Overview, error) { return h.Summary(h.Ctx()) },
		"own":     func() (workflow.Overview, error) { return h.Access(h.Ctx(), alice, alice) },
	} {
		o, err := read()
		h.Must(err)
		if len(o.Debt) != 100 || o.Overdue != 147 || o.Moving != 3 || slices.ContainsFunc(o.Debt, func(d workflow.DebtView) bool { return d.Moving }) {
			t.Errorf("the %s has %d keys of %d overdue and %d moving", name, len(o.Debt), o.Overdue, o.Moving)
		}
	}
	if o, err := h.Overview(h.Ctx(), ""); err != nil || len(o.Debt) != 150 {
		t.Errorf("the overview has %d keys (%v)", len(o.Debt), err)
	}
}

// A list may be opened at one of its parts. Everybody's is refused, by that name, to who sees their own alone where
// nobody is named.
func TestListFromAPartOn(t *testing.T) {
	t.Parallel()
	h := crowded(t)
	for part, first := range map[int]int{workflow.PartDebt: 1, workflow.PartUndecided: 61, workflow.PartWaiting: 61, workflow.PartGrants: 101} {
		p, err := h.AccessPage(h.Ctx(), bob, workflow.Everybody, workflow.PageQuery{After: workflow.Mark{Part: part}})
		if err != nil || p.First != first || p.Last != first+19 || p.Total() != 500 || !p.Complete {
			t.Errorf("from part %d on: %+v, %v", part, p.Page, err)
		}
	}
	if _, err := h.AccessPage(h.Ctx(), alice, workflow.Everybody, workflow.PageQuery{}); access.CodeOf(err) != access.Forbidden {
		t.Errorf("alice sees everybody's access: %v", err)
	}
}
