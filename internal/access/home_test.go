package access_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
)

// homesAfter answers whose App Home is drawn anew because of what act does.
func (h *harness) homesAfter(act func()) []access.UserID {
	h.t.Helper()
	before := len(h.notices(access.NoticeHome))
	h.clock.Advance(time.Second)
	act()
	var homes []access.UserID
	for _, n := range h.notices(access.NoticeHome)[before:] {
		homes = append(homes, n.To)
	}
	slices.Sort(homes)
	return slices.Compact(homes)
}

func TestHomesFollowEveryChangeOfARequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	all := append([]access.UserID{alice}, h.namedApprovers()...)
	slices.Sort(all)
	var r access.Request
	steps := []struct {
		name string
		do   func()
	}{
		{"asked", func() { r = h.ask(alice, time.Hour, "") }},
		{"edited", func() {
			shorter := 30 * time.Minute
			_, err := h.Edit(h.ctx(), access.Edit{RequestID: r.ID, Actor: bob, Duration: &shorter})
			h.must(err)
		}},
		{"approved", func() { h.approve(r.ID) }},
		{"more time asked", func() {
			var err error
			r, err = h.AskExtend(h.ctx(), access.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: time.Hour})
			h.must(err)
		}},
		{"more time approved", func() { h.approve(r.ID) }},
		{"another asked", func() { r = h.ask(alice, time.Hour, "#1") }},
		{"cancelled", func() {
			_, err := h.Cancel(h.ctx(), r.ID, alice)
			h.must(err)
		}},
		{"a third asked", func() { r = h.ask(alice, time.Hour, "#2") }},
		{"denied", func() {
			_, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Deny})
			h.must(err)
		}},
	}
	for _, step := range steps {
		if diff := cmp.Diff(all, h.homesAfter(step.do)); diff != "" {
			t.Errorf("%s: homes drawn anew (-want +got):\n%s", step.name, diff)
		}
	}
}

func (h *harness) namedApprovers() (ids []access.UserID) {
	for _, id := range h.Settings.Approvers {
		ids = append(ids, access.UserID(id))
	}
	return ids
}

func TestAskerOfSomebodyElsesAccessIsTold(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	ask := func(source string) access.Request {
		r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: source, Asker: dave, Person: alice, Duration: time.Hour, Reason: source})
		h.must(err)
		return r
	}
	h.approve(ask("one").ID)
	ask("two")
	h.clock.Advance(h.Settings.RequestTTL)
	h.must(h.Sweep(h.ctx()))
	var told []access.UserID
	for _, n := range h.notices(access.NoticeDecided) {
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
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	_, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	h.must(err)
	if diff := cmp.Diff([]string{string(carol), "S0LEADS"}, h.view(r.ID).Deciders); diff != "" {
		t.Errorf("mentioned (-want +got):\n%s", diff)
	}
}
