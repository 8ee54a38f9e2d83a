package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// busy is Slack with many askers: it answers so often, and then asks for patience.
type busy struct {
	*workflowtest.People
	answers int
	asked   []access.UserID
	broken  access.UserID // about whom it never has an answer
	lists   int           // how often the list of all users was read
}

func (b *busy) Profile(ctx context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error) {
	if maxAge > 0 {
		return b.People.Profile(ctx, id, maxAge)
	}
	if b.answers == 0 {
		return access.Profile{}, &access.Error{Code: access.RateLimited, Message: "Slack asks to wait a moment.", RetryAfter: time.Minute}
	}
	b.answers--
	b.asked = append(b.asked, id)
	if id == b.broken {
		return access.Profile{}, errors.New("a record that cannot be read")
	}
	return b.People.Profile(ctx, id, maxAge)
}

func (b *busy) Standings(ctx context.Context, of []access.UserID) (map[access.UserID]access.Standing, error) {
	b.lists++
	return b.People.Standings(ctx, of)
}

// Of three hundred people Slack is asked only about those whom its list does not show as
// they were, though it asks for patience and has no answer about one of them.
func TestLeaversAreFoundInTheListOfUsers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for i := range 300 {
		h.MustRegister(access.UserID(fmt.Sprintf("U%04d", i)), fmt.Sprintf("key %d", i))
	}
	slack := &busy{People: h.People, broken: "U0003", answers: 2}
	h.SetDirectory(slack)
	h.People.Set("U0003", access.Guest)
	h.People.Set("U0244", access.Deactivated)
	h.People.Set("U0030", access.Nobody)
	h.People.Set("U0050", access.Bot)
	for range 2 {
		if err := h.FindDeactivated(h.Ctx()); err == nil {
			t.Error("something went wrong, and nobody was told")
		}
		slack.answers = 1
	}
	for range 5 {
		slack.answers = 100
		h.Must(h.FindDeactivated(h.Ctx()))
	}
	if want := []access.UserID{"U0003", "U0050", "U0244", "U0030"}; !slices.Equal(slack.asked, want) || slack.lists != 1 {
		t.Errorf("asked about %v, want %v; the list was read %d times", slack.asked, want, slack.lists)
	}
	if got := offboardings(h); len(got) != 2 || got[0].Person != "U0244" || got[0].State != access.Approved || got[1].State != access.Pending {
		t.Errorf("offboardings %+v", got)
	}
	h.Clock.Advance(4 * time.Hour)
	_ = h.FindDeactivated(h.Ctx()) // its error is about the one record
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
		h.MustRegister(id, fmt.Sprintf("key %d", i))
		h.People.Set(id, access.Deactivated)
	}
	h.Must(h.FindDeactivated(h.Ctx()))
	for _, r := range offboardings(h) {
		if r.State != access.Pending {
			t.Errorf("%s is %s", r.Person, r.State)
		}
	}
	if n := len(offboardings(h)); n != 4 {
		t.Errorf("%d offboardings", n)
	}
}

// Whoever is back is seen in the list, too.
func TestReturnIsFoundInTheListOfUsers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	setStanding(h, alice, access.Deactivated)
	h.People.Set(alice, access.Member)
	h.Must(h.FindDeactivated(h.Ctx()))
	if told := h.Notices(access.NoticeReturned); len(told) != 1 {
		t.Errorf("told %+v", told)
	}
}

func offboardings(h *harness) (all []access.Request) {
	h.T.Helper()
	h.Read(func(tx access.Tx) (err error) {
		all, err = tx.Requests(h.Ctx(), access.RequestQuery{Kinds: []access.RequestKind{access.KindOffboard}})
		return err
	})
	return all
}

func TestDeniedOffboardingIsNotAskedAgainForTheSameAbsence(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.OffboardDeactivated = workflow.OffboardAsks
	h.MustRegister(alice, "alice laptop")
	absent := func() {
		t.Helper()
		for range 3 {
			setStanding(h, alice, access.Deactivated)
			h.Clock.Advance(time.Minute)
		}
	}
	absent()
	mustDeny(h, offboardings(h)[0].ID)
	absent()
	if got := offboardings(h); len(got) != 1 || got[0].State != access.Denied {
		t.Fatalf("offboardings %v, want the one that was denied", got)
	}
	setStanding(h, alice, access.Member)
	absent()
	if got := offboardings(h); len(got) != 2 || got[1].State != access.Pending {
		t.Errorf("offboardings %v, want the approvers asked anew", got)
	}
	h.Clock.Advance(9 * time.Hour)
	h.Must(h.Sweep(h.Ctx()))
	h.Must(h.FindDeactivated(h.Ctx()))
	if got := offboardings(h); len(got) != 3 || got[1].State != access.Expired || got[2].State != access.Pending {
		t.Errorf("offboardings %v, want what nobody answered asked again", got)
	}
}

func TestAskerWithoutKeysWhoLeftAsksNothingAnyMore(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "for a colleague", Asker: carol, Person: alice, Duration: time.Hour})
	h.Must(err)
	h.People.Set(carol, access.Deactivated)
	h.Must(h.FindDeactivated(h.Ctx()))
	if got := h.State(r.ID); got != access.Cancelled {
		t.Errorf("the request of somebody who left is %s", got)
	}
}
