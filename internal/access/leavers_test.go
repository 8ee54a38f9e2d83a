package access_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// busy is Slack with many askers: it answers so often, and then asks for patience.
type busy struct {
	*people
	answers int
	asked   map[access.UserID]int
	broken  access.UserID // about whom it never has an answer
}

func (b *busy) ProfileNow(ctx context.Context, id access.UserID) (access.Profile, error) {
	if b.answers == 0 {
		return access.Profile{}, &access.Error{Code: access.RateLimited, Message: "Slack asks to wait a moment.", RetryAfter: time.Minute}
	}
	b.answers--
	b.asked[id]++
	if id == b.broken {
		return access.Profile{}, errors.New("a record that cannot be read")
	}
	return b.Profile(ctx, id)
}

func TestLeaverIsFoundAmongManyThoughSlackAsksForPatience(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for i := range 45 {
		h.register(access.UserID(fmt.Sprintf("U%04d", i)), fmt.Sprintf("key %d", i))
	}
	slack := &busy{people: h.people, asked: map[access.UserID]int{}, broken: "U0003"}
	h.Directory = slack
	h.people.set("U0044", access.Deactivated)
	for range 8 {
		slack.answers = 7
		if err := h.FindLeavers(h.ctx()); err == nil {
			t.Error("patience was asked for, and nobody was told")
		}
	}
	if len(slack.asked) != 45 || slack.asked["U0000"] != 2 {
		t.Errorf("asked about %d of 45 people, the first one %d times", len(slack.asked), slack.asked["U0000"])
	}
	h.read(func(tx access.Tx) error {
		person, err := tx.Person(h.ctx(), "U0044")
		if !person.Offboarded() {
			t.Error("the last of them left, and was not noticed")
		}
		return err
	})
	slack.answers = 1000
	before := slack.asked["U0020"]
	for range 5 {
		_ = h.FindLeavers(h.ctx()) // its error is about the one record
	}
	if slack.asked["U0020"] != before+1 || slack.answers < 1000-50 {
		t.Errorf("%d answers in five minutes", 1000-slack.answers)
	}
}

func (h *harness) offboardings() (all []access.Request) {
	h.t.Helper()
	h.read(func(tx access.Tx) (err error) {
		all, err = tx.Requests(h.ctx(), access.RequestQuery{Kinds: []access.RequestKind{access.KindOffboard}})
		return err
	})
	return all
}

func TestDeniedOffboardingIsNotAskedAgainForTheSameAbsence(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.OffboardDeactivated = access.OffboardAsks
	h.register(alice, "alice laptop")
	absent := func() {
		t.Helper()
		h.people.set(alice, access.Deactivated)
		for range 3 {
			h.must(h.FindLeavers(h.ctx()))
			h.clock.Advance(time.Minute)
		}
	}
	absent()
	h.deny(h.offboardings()[0].ID)
	absent()
	if got := h.offboardings(); len(got) != 1 || got[0].State != access.Denied {
		t.Fatalf("offboardings %v, want the one that was denied", got)
	}
	h.people.set(alice, access.Member)
	h.must(h.FindLeavers(h.ctx()))
	absent()
	if got := h.offboardings(); len(got) != 2 || got[1].State != access.Pending {
		t.Errorf("offboardings %v, want the approvers asked anew", got)
	}
	h.clock.Advance(9 * time.Hour)
	h.must(h.Sweep(h.ctx()))
	h.must(h.FindLeavers(h.ctx()))
	if got := h.offboardings(); len(got) != 3 || got[1].State != access.Expired || got[2].State != access.Pending {
		t.Errorf("offboardings %v, want what nobody answered asked again", got)
	}
}

func TestAskerWithoutKeysWhoLeftAsksNothingAnyMore(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "for a colleague", Asker: carol, Person: alice, Duration: time.Hour})
	h.must(err)
	h.people.set(carol, access.Deactivated)
	h.must(h.FindLeavers(h.ctx()))
	if got := h.state(r.ID); got != access.Cancelled {
		t.Errorf("the request of somebody who left is %s", got)
	}
}

func TestLeaverIsAskedAboutAgainWhenSomebodyCanDecide(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.OffboardDeactivated = access.OffboardAsks
	h.Settings.Approvers = []string{string(bob)}
	h.register(bob, "bob laptop")
	h.people.set(bob, access.Deactivated)
	for range 3 {
		h.must(h.FindLeavers(h.ctx()))
		h.clock.Advance(time.Minute)
		h.must(h.RefuseUndecidable(h.ctx()))
	}
	if got := h.offboardings(); len(got) != 1 || got[0].State != access.Denied {
		t.Fatalf("offboardings %v, want one that nobody could decide", got)
	}
	h.Settings.Approvers = []string{string(dave)}
	h.clock.Advance(time.Minute)
	h.must(h.FindLeavers(h.ctx()))
	if got := h.offboardings(); len(got) != 2 || got[1].State != access.Pending {
		t.Errorf("offboardings %v, want the new approver asked", got)
	}
}
