package queue

import (
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/store"
)

// A job that was fetched and has not begun, or has ended and is not recorded as such, is
// recorded as running for a moment. Running it once more would tell people things twice.
func TestJobIsLostAtTheSecondLook(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	job := func(id int64, attempt string) store.JobRun { return store.JobRun{Job: id, Attempt: attempt} }
	tracked := &tracker{running: map[int64]bool{}}
	for _, look := range []struct {
		after    time.Duration
		running  []int64
		recorded []store.JobRun
		lost     []store.JobRun
	}{
		{0, []int64{1}, []store.JobRun{job(1, "a"), job(2, "a"), job(3, "a"), job(4, "a")}, nil},
		{lostAfter / 2, []int64{1}, []store.JobRun{job(1, "a"), job(2, "a"), job(3, "a"), job(4, "a")}, nil},
		{lostAfter, []int64{3}, []store.JobRun{job(1, "a"), job(2, "a"), job(3, "a"), job(4, "b")}, []store.JobRun{job(2, "a")}},
		{2 * lostAfter, nil, []store.JobRun{job(1, "a"), job(3, "a"), job(4, "b")}, []store.JobRun{job(1, "a"), job(4, "b")}},
	} {
		clear(tracked.running)
		for _, id := range look.running {
			tracked.running[id] = true
		}
		if lost := tracked.lost(look.recorded, begin.Add(look.after)); !slices.Equal(lost, look.lost) {
			t.Errorf("after %s, %v are lost, want %v", look.after, lost, look.lost)
		}
	}
}
