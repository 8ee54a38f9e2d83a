package workflow_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/workflow"
)

// changedBy returns for whom something changes by what act does.
func changedBy(h *harness, act func()) []access.UserID {
	h.T.Helper()
	showChanged(h)
	h.Clock.Advance(time.Second)
	act()
	ids := showChanged(h)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// showChanged counts every change as shown, and returns for whom there were some.
func showChanged(h *harness) (ids []access.UserID) {
	h.T.Helper()
	due := changed(h)
	h.Must(h.Ledger.Outbox().Update(h.Ctx(), func(tx delivery.Tx) error {
		ids = nil
		for _, n := range due {
			ids = append(ids, n.To)
			n.SentAt = h.Clock.Now()
			if err := tx.SaveNotice(h.Ctx(), n); err != nil {
				return err
			}
		}
		return nil
	}))
	return ids
}

// changed lists the changes that somebody is still to be shown.
func changed(h *harness) []delivery.Notice {
	h.T.Helper()
	return slices.DeleteFunc(h.Queued(), func(n delivery.Notice) bool { return n.Kind != delivery.NoticeHome })
}

// However many things change at once, each person is shown them once, in a moment.
func TestManyChangesAreShownOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	for range 5 {
		h.Approve(h.Ask(alice, time.Hour, "").ID)
	}
	seen := map[access.UserID]bool{}
	for _, n := range changed(h) {
		if seen[n.To] || n.NextAt.Before(h.Clock.Now().Add(time.Second)) {
			t.Errorf("%s is shown it twice, or at once: %+v", n.To, n)
		}
		seen[n.To] = true
	}
}

func TestPersonViewAsksTheDirectoryOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Ask(alice, time.Hour, "")
	before := h.People.Asked
	for range 10 {
		if v, err := h.PersonView(h.Ctx(), bob); err != nil || len(v.Waiting) != 1 {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	if n := h.People.Asked - before; n > 1 {
		t.Errorf("Slack was asked %d times who Bob is", n)
	}
}

// A person is offered what would not be refused.
func TestPersonViewOffersWhatThePersonMayDo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.Settings.Approvals, h.Settings.Approvers = 2, append(h.Settings.Approvers, "U0ERIN")
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(bob, "bob laptop")
	own, other := h.Ask(bob, time.Hour, ""), h.Ask(alice, time.Hour, "")
	others, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "for", Asker: dave, Person: alice, Duration: time.Hour, Reason: "r"})
	h.Must(err)
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: others.ID, Actor: bob, Verdict: access.Approve})
	h.Must(err)
	for person, want := range map[access.UserID]struct{ asked, waiting []int64 }{
		alice: {[]int64{other.ID}, nil}, dave: {[]int64{others.ID}, []int64{own.ID, other.ID}},
		bob: {[]int64{own.ID}, []int64{other.ID}}, "U0ERIN": {nil, []int64{own.ID, other.ID, others.ID}},
	} {
		view, err := h.PersonView(h.Ctx(), person)
		h.Must(err)
		var asked, waiting []int64
		for _, r := range view.Asked {
			asked = append(asked, r.ID)
		}
		for _, v := range view.Waiting {
			if v.MayDecide {
				waiting = append(waiting, v.Request.ID)
			}
		}
		if !slices.Equal(asked, want.asked) || !slices.Equal(waiting, want.waiting) {
			t.Errorf("%s: asked %v, may decide %v, want %v", person, asked, waiting, want)
		}
		if shown := len(view.Waiting); person == bob && shown != 2 {
			t.Errorf("bob sees %d requests, want the one that he has approved as well", shown)
		}
	}
}

func TestPersonsAreShownEveryChangeOfARequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	all := append([]access.UserID{alice}, namedApprovers(h)...)
	slices.Sort(all)
	var r access.Request
	steps := []struct {
		name string
		do   func()
	}{
		{"asked", func() { r = h.Ask(alice, time.Hour, "") }},
		{"edited", func() {
			shorter := 30 * time.Minute
			_, err := h.Edit(h.Ctx(), workflow.Edit{RequestID: r.ID, Actor: bob, Duration: &shorter})
			h.Must(err)
		}},
		{"approved", func() { h.Approve(r.ID) }},
		{"more time asked", func() {
			var err error
			r, err = h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: time.Hour})
			h.Must(err)
		}},
		{"more time approved", func() { h.Approve(r.ID) }},
		{"another asked", func() { r = h.Ask(alice, time.Hour, "#1") }},
		{"cancelled", func() {
			_, err := h.Cancel(h.Ctx(), r.ID, alice)
			h.Must(err)
		}},
		{"a third asked", func() { r = h.Ask(alice, time.Hour, "#2") }},
		{"denied", func() {
			_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Deny})
			h.Must(err)
		}},
	}
	for _, step := range steps {
		if diff := cmp.Diff(all, changedBy(h, step.do)); diff != "" {
			t.Errorf("%s: changed for (-want +got):\n%s", step.name, diff)
		}
	}
}

func namedApprovers(h *harness) (ids []access.UserID) {
	for _, id := range h.Settings.Approvers {
		ids = append(ids, access.UserID(id))
	}
	return ids
}

func TestAskerOfSomebodyElsesAccessIsTold(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	ask := func(source string) access.Request {
		r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: source, Asker: dave, Person: alice, Duration: time.Hour, Reason: source})
		h.Must(err)
		return r
	}
	h.Approve(ask("one").ID)
	ask("two")
	h.Clock.Advance(h.Settings.RequestTTL)
	h.Must(h.Sweep(h.Ctx()))
	var told []access.UserID
	for _, n := range h.Notices(access.NoticeDecided) {
		told = append(told, n.To)
	}
	if diff := cmp.Diff([]access.UserID{alice, dave, dave}, told); diff != "" {
		t.Errorf("told of an approval and of an expiry (-want +got):\n%s", diff)
	}
}

func TestOnlyWhoMayStillDecideIsMentioned(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvals = 2
	h.Settings.Approvers = []string{string(alice), string(bob), string(carol), "S0LEADS"}
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	h.Must(err)
	if diff := cmp.Diff([]string{string(carol), "S0LEADS"}, h.MustView(r.ID).Deciders); diff != "" {
		t.Errorf("mentioned (-want +got):\n%s", diff)
	}
}
