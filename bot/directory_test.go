package bot

import (
	"context"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

// While Slack's rate limit keeps us from asking, the last answer stands in for a few
// seconds, and only then.
func TestDirectoryUnderTheRateLimit(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	d := NewDirectory(r.bot.cfg.API)
	if _, err := d.Profile(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	r.Fail("users.info", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	if got, err := d.Profile(t.Context(), "U1"); err != nil || got.Standing != access.Member {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := d.ProfileNow(t.Context(), "U1"); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an earlier answer stood in for one of now: %v", err)
	}
	if _, err := d.Profile(t.Context(), "U2"); access.CodeOf(err) != access.RateLimited {
		t.Errorf("nobody has asked about them yet: %v", err)
	}
	d.mu.Lock()
	d.lately["U1"] = seen{d.lately["U1"].profile, time.Now().Add(-stopgap)}
	d.mu.Unlock()
	if _, err := d.Profile(t.Context(), "U1"); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an answer that is too old stood in: %v", err)
	}
}

// Who asks need not wait longer than they can: Slack hangs, and the process is to end.
func TestDirectoryWaitsNoLongerThanWhoAsks(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	d := NewDirectory(r.bot.cfg.API)
	if _, err := d.Profile(t.Context(), "U1"); err != nil { // from here on it knows whose bot it is
		t.Fatal(err)
	}
	asked, answer := make(chan struct{}), make(chan struct{})
	defer close(answer)
	go func() {
		_, _, _ = d.asking.Do("U2", func() (any, error) {
			close(asked)
			<-answer
			return nil, nil
		})
	}()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Profile(ctx, "U2"); access.CodeOf(err) != access.Unavailable {
		t.Errorf("got %v", err)
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
			if ids, err := d.MembersNow(t.Context(), "S0LEADS"); err != nil || len(ids) != 2 {
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
	if _, err := d.Members(t.Context(), "S0LEADS"); err != nil {
		t.Fatal(err)
	}
	older := func(by time.Duration) {
		d.groups["S0LEADS"].at = time.Now().Add(-by)
	}
	older(membersFresh)
	r.Fail("usergroups.users.list", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	if ids, err := d.Members(t.Context(), "S0LEADS"); err != nil || len(ids) != 2 {
		t.Errorf("%v %v", ids, err)
	}
	older(membersFresh + stopgap)
	if _, err := d.Members(t.Context(), "S0LEADS"); access.CodeOf(err) != access.RateLimited {
		t.Errorf("an answer that is too old stood in: %v", err)
	}
}
