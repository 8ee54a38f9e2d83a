package reconcile_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

// hanging is an account whose list of servers is not answered while it hangs.
type hanging struct {
	*workflowtest.Account
	hangs atomic.Bool
	asked atomic.Int64
}

const callTimeout = 30 * time.Second

func (a *hanging) Servers(ctx context.Context) ([]access.Server, error) {
	a.asked.Add(1)
	if !a.hangs.Load() {
		return a.Account.Servers(ctx)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(callTimeout):
		return nil, &access.Error{Code: access.Unavailable, Message: "no answer in time"}
	}
}

// Who waits for a list that somebody else reads learns with them that it could not be read, and does not
// wait for another try.
func TestAListThatHangsIsReadOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, 2)
		target := &hanging{Account: h.Account}
		target.hangs.Store(true)
		h.SetTarget(target)
		began := time.Now()
		var waiting sync.WaitGroup
		for range 20 {
			waiting.Go(func() {
				_, err := h.FindServers(h.Ctx(), bob, "")
				refuses(t, err, access.Unavailable, "no answer in time")
			})
		}
		waiting.Wait()
		if took := time.Since(began); took != callTimeout || target.asked.Load() != 1 {
			t.Errorf("asked %d times in %s", target.asked.Load(), took)
		}
		target.hangs.Store(false)
		if found, err := h.FindServers(h.Ctx(), bob, ""); err != nil || len(found) != 2 {
			t.Errorf("found %v, %v", found, err)
		}
	})
}

// What is asked of one account does not wait for another one. What is asked of all waits for one that
// hangs once, for a minute at most, and then does with what is known of it.
func TestAnAccountThatHangsIsNotWaitedForAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, 2)
		h.Account.Called = "agency"
		agency := &hanging{Account: h.Account}
		restart(h, agency, account(h, "client", 50, "web-01"))
		finds := func(pattern string, servers int, within time.Duration) {
			t.Helper()
			h.Clock.Advance(2 * time.Minute) // what was read before is old
			began := time.Now()
			found, err := h.Engine.Servers(h.Ctx(), time.Minute, pattern)
			if err != nil || len(found.Listed()) != servers || time.Since(began) != within {
				t.Errorf("%q: %d servers after %s, %v", pattern, len(found.Listed()), time.Since(began), err)
			}
		}
		finds("", 3, 0)
		agency.hangs.Store(true)
		finds("client/*, CLIENT/#50", 3, 0)
		finds("client/*, web-01", 3, callTimeout)
		finds("", 3, 0)
		<-time.After(2 * time.Minute)
		finds("nobody/*", 3, callTimeout)

		agency.hangs.Store(false)
		<-time.After(2 * time.Minute)
		asked := agency.asked.Load()
		finds("*", 3, 0)
		if agency.asked.Load() != asked+1 {
			t.Error("it was not asked any more")
		}
	})
}

// How often a list is read for people counts for each account: who asks for one does not use up what there is
// for another.
func TestListsForPeopleAreCountedByAccount(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.Account.Called = "agency"
	agency, client := &hanging{Account: h.Account}, &hanging{Account: account(h, "client", 50, "web-01")}
	restart(h, agency, client)
	for range 6 {
		_, err := h.Engine.ServersToChoose(h.Ctx(), "agency/*")
		h.Must(err)
		h.Clock.Advance(2 * time.Minute)
	}
	found, err := h.Engine.ServersToChoose(h.Ctx(), "*")
	h.Must(err)
	if agency.asked.Load() != 4 || client.asked.Load() != 1 || len(found.Listed()) != 3 {
		t.Errorf("asked %d and %d times, %d servers", agency.asked.Load(), client.asked.Load(), len(found.Listed()))
	}
}
