package slackapi

import (
	"context"
	"sync"
	"testing"
	"time"
)

// recently is an age that the tests below let an answer have.
const recently = 15 * time.Second

// age makes what is known of a question older.
func (c *cache[T]) age(key string, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range []*answer[T]{&c.entries[key].valid, &c.entries[key].last} {
		a.at = a.at.Add(-by)
	}
}

// Whoever waits for the answer to somebody's question must not fail because they gave up.
func TestCacheAsksAgainWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	var c cache[int]
	ctx, giveUp := context.WithCancel(t.Context())
	asked := make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		_, _ = c.get(ctx, "x", 0, func(ctx context.Context) (int, error) {
			close(asked)
			<-ctx.Done()
			return 0, ctx.Err()
		})
	})
	<-asked
	giveUp()
	got, err := c.get(t.Context(), "x", recently, func(context.Context) (int, error) { return 1, nil })
	if got != 1 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	first.Wait()
}

// An account changes while Slack is asked about it: that answer is not kept.
func TestCacheForgetsWhatIsBeingAsked(t *testing.T) {
	t.Parallel()
	var c cache[int]
	for want := range 2 {
		got, err := c.get(t.Context(), "x", recently, func(context.Context) (int, error) {
			c.forget("x")
			return want, nil
		})
		if got != want || err != nil {
			t.Errorf("%d, %v, want %d", got, err, want)
		}
	}
}
