package workflow_test

import (
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func TestTheLogIsForApprovers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	for _, err := range []error{second(h.Log(h.Ctx(), alice, workflow.LogQuery{})), second(h.WholeLog(h.Ctx(), alice))} {
		refuses(t, err, access.Forbidden, "Only an approver")
	}
	page, err := h.Log(h.Ctx(), bob, workflow.LogQuery{})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Action != access.DidKeyRegister || page.Older || page.Newer {
		t.Errorf("bob reads %+v, %v", page, err)
	}
}

// numbers returns the numbers of a page's events.
func numbers(page workflow.LogPage) (all []int64) {
	for _, e := range page.Entries {
		all = append(all, e.Seq)
	}
	return all
}

// from returns n numbers from first downwards.
func from(first, n int64) (all []int64) {
	for i := range n {
		all = append(all, first-i)
	}
	return all
}

func TestPagesOfTheLog(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for n := range 40 {
		h.Must(h.Ledger.Update(h.Ctx(), func(tx access.Tx) error {
			return tx.Audit(h.Ctx(), access.Event{At: h.Clock.Now(), Actor: []access.UserID{alice, carol}[n%2], Action: access.DidKeyFree})
		}))
	}
	for _, c := range []struct {
		q            workflow.LogQuery
		want         []int64
		older, newer bool
	}{
		{workflow.LogQuery{}, from(40, 15), true, false},
		{workflow.LogQuery{Before: 26}, from(25, 15), true, true},
		{workflow.LogQuery{Before: 11}, from(10, 10), false, true},
		{workflow.LogQuery{After: 10}, from(25, 15), true, true},
		{workflow.LogQuery{After: 25}, from(40, 15), true, false},
		{workflow.LogQuery{After: 27}, from(40, 15), true, false}, // not a page with a gap
		{workflow.LogQuery{Before: 1}, nil, false, true},
		{workflow.LogQuery{About: "U0BOB"}, nil, false, false},
		{workflow.LogQuery{About: access.AboutPerson(alice), Before: 11}, []int64{9, 7, 5, 3, 1}, false, true},
		{workflow.LogQuery{About: access.AboutPerson(alice), After: 9}, []int64{39, 37, 35, 33, 31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11}, true, false},
	} {
		page, err := h.Log(h.Ctx(), bob, c.q)
		h.Must(err)
		if diff := cmp.Diff(c.want, numbers(page)); diff != "" || page.Older != c.older || page.Newer != c.newer || page.About != c.q.About {
			t.Errorf("%+v: older %v, newer %v, about %q (-want +got):\n%s", c.q, page.Older, page.Newer, page.About, diff)
		}
	}
}

// What is read about a request is all that became of it, and no more.
func TestTheLogOfOneRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 7)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	h.Grant(carol, time.Hour, "web-01")
	r := h.Ask(alice, 2*time.Hour, "web-*")
	h.Approve(r.ID)
	h.Work()
	longer, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: h.NextSource(), Asker: alice, Person: alice, Duration: time.Hour})
	h.Must(err)
	h.Approve(longer.ID)
	leaving := h.MustOffboard(alice)
	h.Work()
	h.VerifyAudit()
	for _, c := range []struct {
		about access.Subject
		want  []access.Action
	}{
		{access.AboutRequest(r.ID), []access.Action{
			access.DidRequestAsk, access.DidGrantStart, access.DidRequestApproved, access.DidPlacementPlaced, access.DidGrantExtend,
			access.DidGrantEnd, access.DidPlacementLeaving, access.DidPlacementGone,
		}},
		{access.AboutRequest(longer.ID), []access.Action{access.DidRequestAsk, access.DidRequestApproved, access.DidGrantExtend}},
		{access.AboutRequest(leaving.ID), []access.Action{access.DidRequestAsk, access.DidRequestApproved, access.DidPersonOffboard, access.DidGrantEnd}},
	} {
		if diff := cmp.Diff(c.want, steps(h, c.about)); diff != "" {
			t.Errorf("about %s (-want +got):\n%s", c.about, diff)
		}
	}
	for _, e := range entriesOf(h, access.AboutPerson(carol)) {
		if slices.Contains(e.Subjects(), access.AboutPerson(alice)) && e.Actor != carol {
			t.Errorf("about carol: %+v", e.Event)
		}
	}
}

// steps returns the actions of the log about a subject, each once for a run of the same.
func steps(h *harness, about access.Subject) (all []access.Action) {
	for _, e := range entriesOf(h, about) {
		all = append(all, e.Action)
	}
	return slices.Compact(all)
}

func entriesOf(h *harness, about access.Subject) (all []workflow.LogEntry) {
	reading, err := h.ReadLog(h.Ctx(), about, time.Time{})
	h.Must(err)
	for e, err := range reading {
		h.Must(err)
		all = append(all, e)
	}
	return all
}

func TestTheLogNamesAFewServers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 9)
	for person, pattern := range map[access.UserID]string{alice: "web-01,web-03", carol: "web-02,web-04,web-05,web-06,web-07,web-08,web-09"} {
		h.MustRegister(person, string(person)+" laptop")
		h.Grant(person, time.Hour, pattern)
	}
	h.Work()
	h.Pass(2 * time.Hour)
	h.SweepAndWork()
	named := map[int][]string{}
	for _, e := range entriesOf(h, "") {
		if e.Action == access.DidPlacementLeaving {
			named[e.Keys.Count] = e.Servers
		}
	}
	if diff := cmp.Diff(map[int][]string{2: {"web-01", "web-03"}, 7: nil}, named); diff != "" {
		t.Errorf("names by the number of servers (-want +got):\n%s", diff)
	}
}

// A reading ends where the log ended when it began, and is the same each time.
func TestAReadingOfTheLogIsSteady(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	write := func(n int) {
		h.Must(h.Ledger.Update(h.Ctx(), func(tx access.Tx) error {
			for range n {
				if err := tx.Audit(h.Ctx(), access.Event{At: h.Clock.Now(), Actor: alice, Action: access.DidKeyFree}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	write(1000)
	h.Clock.Advance(time.Hour)
	write(1500)
	whole, err := h.WholeLog(h.Ctx(), bob)
	h.Must(err)
	late, err := h.ReadLog(h.Ctx(), access.AboutPerson(alice), h.Clock.Now())
	h.Must(err)
	write(10)
	for range 2 {
		for want, reading := range map[int]iter.Seq2[workflow.LogEntry, error]{2500: whole, 1500: late} {
			n := 0
			var last int64
			for e, err := range reading {
				h.Must(err)
				if n++; e.Seq <= last {
					t.Fatalf("%d after %d", e.Seq, last)
				}
				last = e.Seq
			}
			if n != want || last != 2500 {
				t.Errorf("%d events up to %d, want %d", n, last, want)
			}
		}
	}
}
