package reconcile_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

// slow is an account whose list of servers is answered when the test wants.
type slow struct {
	*workflowtest.Account
	asked  chan struct{}
	answer chan struct{}
}

func (s *slow) Servers(ctx context.Context) ([]access.Server, error) {
	s.asked <- struct{}{}
	<-s.answer
	return s.Account.Servers(ctx)
}

func TestWhoWaitsForAReadingOfTheServersMayGiveUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	target := &slow{h.Account, make(chan struct{}), make(chan struct{})}
	h.SetTarget(target)
	var readers sync.WaitGroup
	for range 5 {
		readers.Go(func() {
			if found, err := h.FindServers(h.Ctx(), bob, ""); err != nil || len(found) != 2 {
				t.Errorf("found %v, %v", found, err)
			}
		})
	}
	<-target.asked
	ctx, cancel := context.WithCancel(h.Ctx())
	ended := make(chan error)
	go func() {
		_, err := h.FindServers(ctx, bob, "")
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it gave up with %v", err)
	}
	target.answer <- struct{}{}
	readers.Wait() // all of them from the one reading
}
