package bot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sshkeybot/internal/access"
)

func TestCrewKeepsTheOrderOfEachPerson(t *testing.T) {
	t.Parallel()
	c := newCrew()
	var mu sync.Mutex
	got := map[access.UserID][]int{}
	for i := range 300 {
		person := access.UserID(fmt.Sprint("U", i%3))
		c.do(person, func(context.Context) {
			mu.Lock()
			defer mu.Unlock()
			got[person] = append(got[person], i)
		})
	}
	c.working.Wait()
	for person, order := range got {
		if len(order) != 100 || !slices.IsSorted(order) {
			t.Errorf("%s: %v", person, order)
		}
	}
	c.close(t.Context())
	c.do("U1", func(context.Context) { t.Error("a closed crew works") })
}

func TestClosedCrewDropsWhatHasNotBegun(t *testing.T) {
	t.Parallel()
	c := newCrew()
	begun, release := make(chan struct{}), make(chan struct{})
	c.do("U1", func(context.Context) { close(begun); <-release })
	c.do("U1", func(context.Context) { t.Error("the second job was begun") })
	<-begun
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	close(release)
	c.close(t.Context())
}

// A job that waits for somebody who does not answer ends when the crew has no time left.
func TestClosedCrewEndsWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	c := newCrew()
	begun, ended := make(chan struct{}), false
	c.do("U1", func(ctx context.Context) {
		close(begun)
		<-ctx.Done()
		ended = true
	})
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.close(ctx)
	if !ended {
		t.Error("the job still runs")
	}
}
