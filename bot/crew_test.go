package bot

import (
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
		c.do(person, func() {
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
	c.do("U1", func() { t.Error("a closed crew works") })
}

func TestClosedCrewDropsWhatHasNotBegun(t *testing.T) {
	t.Parallel()
	c := newCrew()
	begun, release := make(chan struct{}), make(chan struct{})
	c.do("U1", func() { close(begun); <-release })
	c.do("U1", func() { t.Error("the second job was begun") })
	<-begun
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	close(release)
	c.close(t.Context())
}
