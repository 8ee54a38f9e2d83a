package bot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sshkeybot/internal/access"
)

func TestUserQueuesKeepTheOrderOfEachPerson(t *testing.T) {
	t.Parallel()
	q := newUserQueues()
	var mu sync.Mutex
	got := map[access.UserID][]int{}
	for i := range 300 {
		person := access.UserID(fmt.Sprint("U", i%3))
		q.add(person, func(context.Context) {
			mu.Lock()
			defer mu.Unlock()
			got[person] = append(got[person], i)
		})
	}
	q.working.Wait()
	for person, order := range got {
		if len(order) != 100 || !slices.IsSorted(order) {
			t.Errorf("%s: %v", person, order)
		}
	}
	q.close(t.Context())
	q.add("U1", func(context.Context) { t.Error("closed queues run a job") })
}

func TestClosedUserQueuesDropWhatHasNotBegun(t *testing.T) {
	t.Parallel()
	q := newUserQueues()
	begun, release := make(chan struct{}), make(chan struct{})
	q.add("U1", func(context.Context) { close(begun); <-release })
	q.add("U1", func(context.Context) { t.Error("the second job was begun") })
	<-begun
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	close(release)
	q.close(t.Context())
}

// A job that waits for somebody who does not answer ends when closing has no time left.
func TestClosedUserQueuesEndWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	q := newUserQueues()
	begun, ended := make(chan struct{}), false
	q.add("U1", func(ctx context.Context) {
		close(begun)
		<-ctx.Done()
		ended = true
	})
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q.close(ctx)
	if !ended {
		t.Error("the job still runs")
	}
}
