package queue

import (
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/store"
)

// A job that was fetched and has not begun, or has ended and is not noted as such, counts
// as running for a moment. To run it once more would tell people the same thing twice.
func TestJobIsLostAtTheSecondLook(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	job := func(id int64, attempt string) store.JobRun { return store.JobRun{Job: id, Attempt: attempt} }
	h := &hand{jobs: map[int64]bool{}}
	for _, look := range []struct {
		after   time.Duration
		inHand  []int64
		running []store.JobRun
		lost    []store.JobRun
	}{
		{0, []int64{1}, []store.JobRun{job(1, "a"), job(2, "a"), job(3, "a"), job(4, "a")}, nil},
		{lostAfter / 2, []int64{1}, []store.JobRun{job(1, "a"), job(2, "a"), job(3, "a"), job(4, "a")}, nil},
		{lostAfter, []int64{3}, []store.JobRun{job(1, "a"), job(2, "a"), job(3, "a"), job(4, "b")}, []store.JobRun{job(2, "a")}},
		{2 * lostAfter, nil, []store.JobRun{job(1, "a"), job(3, "a"), job(4, "b")}, []store.JobRun{job(1, "a"), job(4, "b")}},
	} {
		clear(h.jobs)
		for _, id := range look.inHand {
			h.jobs[id] = true
		}
		if lost := h.lostOf(look.running, begin.Add(look.after)); !slices.Equal(lost, look.lost) {
			t.Errorf("after %s, %v are lost, want %v", look.after, lost, look.lost)
		}
	}
}
