package bot

import (
	"context"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
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

// An answer serves as long as its caller lets it, and never for what is to be known now.
func TestDirectoryAsksWhatIsNotKnownLately(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	d := NewDirectory(r.bot.cfg.API)
	ask := func(maxAge time.Duration, want int) {
		t.Helper()
		if _, err := d.Profile(t.Context(), "U1", maxAge); err != nil {
			t.Error(err)
		}
		if n := r.Count("users.info"); n != want {
			t.Errorf("Slack was asked %d times, want %d", n, want)
		}
	}
	ask(recently, 1)
	ask(recently, 1)
	ask(0, 2)
	ask(0, 3)
	d.profiles.age("U1", recently)
	ask(2*recently, 3)
	ask(recently, 4)
	d.Forget("U1")
	ask(recently, 5)
}

// While Slack's rate limit keeps us from asking, the last answer stands in for a few
// seconds, and only then.
func TestDirectoryUnderTheRateLimit(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	d := NewDirectory(r.bot.cfg.API)
	if _, err := d.Profile(t.Context(), "U1", 0); err != nil {
		t.Fatal(err)
	}
	d.profiles.age("U1", time.Second)
	r.Fail("users.info", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	for range 2 {
		if got, err := d.Profile(t.Context(), "U1", time.Second); err != nil || got.Standing != access.Member {
			t.Errorf("%+v %v", got, err)
		}
	}
	if _, err := d.Profile(t.Context(), "U1", 0); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an earlier answer stood in for one of now: %v", err)
	}
	if _, err := d.Profile(t.Context(), "U2", time.Second); access.CodeOf(err) != access.RateLimited {
		t.Errorf("nobody has asked about them yet: %v", err)
	}
	d.profiles.age("U1", stopgap)
	if _, err := d.Profile(t.Context(), "U1", time.Second); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an answer that is too old stood in: %v", err)
	}
}

// Who asks need not wait longer than they can: Slack hangs, and the process is to end.
func TestDirectoryWaitsNoLongerThanWhoAsks(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	d := NewDirectory(r.bot.cfg.API)
	e, _, _ := d.profiles.known("U2")
	e.asking <- struct{}{} // somebody has asked, and has no answer yet
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Profile(ctx, "U2", recently); access.CodeOf(err) != access.Unavailable {
		t.Errorf("got %v", err)
	}
}

// Whoever waits for the answer to somebody's question must not fail because they gave up.
func TestDirectoryAsksAgainWhatWasGivenUp(t *testing.T) {
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
func TestDirectoryForgetsWhatIsBeingAsked(t *testing.T) {
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

// Forty approvers press a button in the same moment: the group is read anew for them all.
func TestDirectoryAsksOnceForAll(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{RateLimits: true})
	r.AddUserGroup("S0LEADS", "leads", "U1", "U2")
	d := NewDirectory(r.bot.cfg.API)
	r.Fail("usergroups.users.list", slacksim.Fault{Delay: 300 * time.Millisecond})
	var asking sync.WaitGroup
	for range 40 {
		asking.Go(func() {
			if ids, err := d.Members(t.Context(), "S0LEADS", 0); err != nil || len(ids) != 2 {
				t.Error(ids, err)
			}
		})
	}
	asking.Wait()
	if n := r.Count("usergroups.users.list"); n > 3 { // who comes late may ask once more
		t.Errorf("Slack was asked %d times", n)
	}
}

func TestGroupUnderTheRateLimit(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.AddUserGroup("S0LEADS", "leads", "U1", "U2")
	d := NewDirectory(r.bot.cfg.API)
	if _, err := d.Members(t.Context(), "S0LEADS", recently); err != nil {
		t.Fatal(err)
	}
	d.members.age("S0LEADS", recently)
	r.Fail("usergroups.users.list", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	if ids, err := d.Members(t.Context(), "S0LEADS", recently); err != nil || len(ids) != 2 {
		t.Errorf("%v %v", ids, err)
	}
	d.members.age("S0LEADS", stopgap)
	if _, err := d.Members(t.Context(), "S0LEADS", recently); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an answer that is too old stood in: %v", err)
	}
}
