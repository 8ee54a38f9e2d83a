package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// busy is Slack with many askers: it answers so often, and then asks for patience.
type busy struct {
	*people
	answers int
	asked   []access.UserID
	broken  access.UserID // about whom it never has an answer
	lists   int           // how often the list of all users was read
}

func (b *busy) Profile(ctx context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error) {
	if maxAge > 0 {
		return b.people.Profile(ctx, id, maxAge)
	}
	if b.answers == 0 {
		return access.Profile{}, &access.Error{Code: access.RateLimited, Message: "Slack asks to wait a moment.", RetryAfter: time.Minute}
	}
	b.answers--
	b.asked = append(b.asked, id)
	if id == b.broken {
		return access.Profile{}, errors.New("a record that cannot be read")
	}
	return b.people.Profile(ctx, id, maxAge)
}

func (b *busy) Standings(ctx context.Context, of []access.UserID) (map[access.UserID]access.Standing, error) {
	b.lists++
	return b.people.Standings(ctx, of)
}

// Of three hundred people Slack is asked only about those whom its list does not show as
// they were, though it asks for patience and has no answer about one of them.
func TestLeaversAreFoundInTheListOfUsers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for i := range 300 {
		h.register(access.UserID(fmt.Sprintf("U%04d", i)), fmt.Sprintf("key %d", i))
	}
	slack := &busy{people: h.people, broken: "U0003", answers: 2}
	h.Directory = slack
	h.people.set("U0003", access.Guest)
	h.people.set("U0244", access.Deactivated)
	h.people.set("U0030", access.Nobody)
	h.people.set("U0050", access.Bot)
	for range 2 {
		if err := h.FindLeavers(h.ctx()); err == nil {
			t.Error("something went wrong, and nobody was told")
		}
		slack.answers = 1
	}
	for range 5 {
		slack.answers = 100
		h.must(h.FindLeavers(h.ctx()))
	}
	if want := []access.UserID{"U0003", "U0050", "U0244", "U0030"}; !slices.Equal(slack.asked, want) || slack.lists != 1 {
		t.Errorf("asked about %v, want %v; the list was read %d times", slack.asked, want, slack.lists)
	}
	if got := h.offboardings(); len(got) != 2 || got[0].Person != "U0244" || got[0].State != access.Approved || got[1].State != access.Pending {
		t.Errorf("offboardings %+v", got)
	}
	h.clock.Advance(4 * time.Hour)
	_ = h.FindLeavers(h.ctx()) // its error is about the one record
	if slack.lists != 2 {
		t.Errorf("the list was read %d times", slack.lists)
	}
}

// The list shows so many leavers at once that somebody may have made a mistake.
func TestManyLeaversInOneListAreAskedAbout(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for i := range 4 {
		id := access.UserID(fmt.Sprintf("U%04d", i))
		h.register(id, fmt.Sprintf("key %d", i))
		h.people.set(id, access.Deactivated)
	}
	h.must(h.FindLeavers(h.ctx()))
	for _, r := range h.offboardings() {
		if r.State != access.Pending {
			t.Errorf("%s is %s", r.Person, r.State)
		}
	}
	if n := len(h.offboardings()); n != 4 {
		t.Errorf("%d offboardings", n)
	}
}

// Whoever is back is seen in the list, too.
func TestReturnIsFoundInTheListOfUsers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.is(alice, access.Deactivated)
	h.people.set(alice, access.Member)
	h.must(h.FindLeavers(h.ctx()))
	if told := h.notices(access.NoticeReturned); len(told) != 1 {
		t.Errorf("told %+v", told)
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
		for range 3 {
			h.is(alice, access.Deactivated)
			h.clock.Advance(time.Minute)
		}
	}
	absent()
	h.deny(h.offboardings()[0].ID)
	absent()
	if got := h.offboardings(); len(got) != 1 || got[0].State != access.Denied {
		t.Fatalf("offboardings %v, want the one that was denied", got)
	}
	h.is(alice, access.Member)
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
