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

// homesAfter returns whose App Home is drawn anew because of what act does.
func homesAfter(h *harness, act func()) []access.UserID {
	h.T.Helper()
	drawHomes(h)
	h.Clock.Advance(time.Second)
	act()
	homes := drawHomes(h)
	slices.Sort(homes)
	return slices.Compact(homes)
}

// drawHomes counts every App Home as drawn, and returns whose were due to be.
func drawHomes(h *harness) (homes []access.UserID) {
	h.T.Helper()
	due := homesDue(h)
	h.Must(h.Ledger.Outbox().Update(h.Ctx(), func(tx delivery.Tx) error {
		homes = nil
		for _, n := range due {
			homes = append(homes, n.To)
			n.SentAt = h.Clock.Now()
			if err := tx.SaveNotice(h.Ctx(), n); err != nil {
				return err
			}
		}
		return nil
	}))
	return homes
}

// homesDue lists the App Homes that are to be drawn anew.
func homesDue(h *harness) []delivery.Notice {
	h.T.Helper()
	return slices.DeleteFunc(h.Queued(), func(n delivery.Notice) bool { return n.Kind != delivery.NoticeHome })
}

// However many things change at once, each Home is drawn once, in a moment.
func TestHomesAreDrawnOnceForManyChanges(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	for range 5 {
		h.Approve(h.Ask(alice, time.Hour, "").ID)
	}
	seen := map[access.UserID]bool{}
	for _, n := range homesDue(h) {
		if seen[n.To] || n.NextAt.Before(h.Clock.Now().Add(time.Second)) {
			t.Errorf("the Home of %s is drawn twice, or at once: %+v", n.To, n)
		}
		seen[n.To] = true
	}
}

func TestHomeAsksSlackOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Ask(alice, time.Hour, "")
	before := h.People.Asked
	for range 10 {
		if home, err := h.Home(h.Ctx(), bob); err != nil || len(home.Waiting) != 1 {
			t.Fatalf("%+v, %v", home, err)
		}
	}
	if n := h.People.Asked - before; n > 1 {
		t.Errorf("Slack was asked %d times who Bob is", n)
	}
}

// A Home offers what would not be refused.
func TestHomeOffersWhatThePersonMayDo(t *testing.T) {
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
		home, err := h.Home(h.Ctx(), person)
		h.Must(err)
		var asked, waiting []int64
		for _, r := range home.Asked {
			asked = append(asked, r.ID)
		}
		for _, v := range home.Waiting {
			if v.MayDecide {
				waiting = append(waiting, v.Request.ID)
			}
		}
		if !slices.Equal(asked, want.asked) || !slices.Equal(waiting, want.waiting) {
			t.Errorf("%s: asked %v, may decide %v, want %v", person, asked, waiting, want)
		}
		if shown := len(home.Waiting); person == bob && shown != 2 {
			t.Errorf("bob sees %d requests, want the one that he has approved as well", shown)
		}
	}
}

func TestHomesFollowEveryChangeOfARequest(t *testing.T) {
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
		if diff := cmp.Diff(all, homesAfter(h, step.do)); diff != "" {
			t.Errorf("%s: homes drawn anew (-want +got):\n%s", step.name, diff)
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
	if diff := cmp.Diff([]access.UserID{dave, alice, dave}, told); diff != "" {
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
