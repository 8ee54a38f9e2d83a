package access_test

import (
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestRefusedGrantAsksChangeNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	good := access.GrantAsk{Asker: alice, Person: alice, Duration: time.Hour}
	tests := []struct {
		name  string
		alter func(a *access.GrantAsk)
		words string
	}{
		{"too short", func(a *access.GrantAsk) { a.Duration = 4*time.Minute + 59*time.Second }, "shortest grant is 5m"},
		{"zero", func(a *access.GrantAsk) { a.Duration = 0 }, "too short"},
		{"negative", func(a *access.GrantAsk) { a.Duration = -time.Hour }, "too short"},
		{"too long", func(a *access.GrantAsk) { a.Duration = 30*24*time.Hour + 1 }, "longest grant is 30d"},
		{"for ever", func(a *access.GrantAsk) { a.Forever = true }, "for ever is not allowed"},
		{"a system user that is not listed", func(a *access.GrantAsk) { a.SystemUser = "postgres" }, "Possible: runcloud, root"},
		{"a name that matches nothing", func(a *access.GrantAsk) { a.Servers = "web-o1" }, "The nearest: web-01, "},
		{"one of several matches nothing", func(a *access.GrantAsk) { a.Servers = "web-01, db-*" }, "No server matches `db-*`"},
		{"no server named", func(a *access.GrantAsk) { a.Servers = " , ," }, "at least one server"},
		{"an id that is none", func(a *access.GrantAsk) { a.Servers = "#web" }, "not a server ID"},
		{"an id the account lacks", func(a *access.GrantAsk) { a.Servers = "#77" }, "No server matches `#77`"},
	}
	h.unchanged(t, func() {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				ask := good
				ask.Source = tt.name
				tt.alter(&ask)
				_, err := h.AskGrant(h.ctx(), ask)
				refuses(t, err, access.Invalid, tt.words)
			})
		}
	})
}

func TestLimitsOfADurationAreInside(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for _, d := range []time.Duration{5 * time.Minute, 30 * 24 * time.Hour} {
		if r := h.ask(alice, d, ""); r.Duration != d {
			t.Errorf("asked %v, got %v", d, r.Duration)
		}
	}
}

func TestSetOfServersIsFixedWhenItIsAsked(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	h.account.names[3] = "web-03"
	h.clock.Advance(10 * time.Minute)
	_, err := h.FindServers(h.ctx(), bob, "web-03") // the bot has read of it
	h.must(err)
	h.approve(r.ID)
	h.work()
	if got := len(h.account.ours()); got != 2 {
		t.Errorf("%d servers, want the two that were there", got)
	}
}

func TestSameSourceIsOneRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	ask := access.GrantAsk{Source: "envelope 1", Asker: alice, Person: alice, Duration: time.Hour}
	first, err := h.AskGrant(h.ctx(), ask)
	h.must(err)
	h.unchanged(t, func() {
		again, err := h.AskGrant(h.ctx(), ask)
		if err != nil || again.ID != first.ID {
			t.Errorf("the second delivery made %+v, %v", again, err)
		}
	})
	h.approve(first.ID)
	late, err := h.AskGrant(h.ctx(), ask)
	if err != nil || late.ID != first.ID || late.State != access.Approved {
		t.Errorf("a late delivery made %+v, %v", late, err)
	}
}

func TestTheSameWishTypedTwiceIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.ask(alice, time.Hour, "web-01")
	again := access.GrantAsk{Source: "typed again", Asker: alice, Person: alice, Duration: time.Hour, Servers: "web-01"}
	_, err := h.AskGrant(h.ctx(), again)
	refuses(t, err, access.Conflict, "request 1 is waiting")
	h.ask(alice, 2*time.Hour, "web-01") // not the same
	h.ask(alice, time.Hour, "web-02")
	h.clock.Advance(2*time.Minute + time.Second)
	_, err = h.AskGrant(h.ctx(), again)
	h.must(err) // later it is meant
}

func TestUnansweredRequestExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	h.clock.Advance(8*time.Hour - time.Second)
	h.must(h.Sweep(h.ctx()))
	if h.state(r.ID) != access.Pending {
		t.Fatalf("%s a second too early", h.state(r.ID))
	}
	h.clock.Advance(time.Second)
	_, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "expired unanswered") // even before the sweep
	h.must(h.Sweep(h.ctx()))
	if h.state(r.ID) != access.Expired {
		t.Errorf("%s, want expired", h.state(r.ID))
	}
	_, err = h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "expired unanswered")
}

func TestManyRequestsExpireInOneSweep(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	var last access.Request
	for i := range 45 {
		last = h.ask(access.UserID(fmt.Sprintf("U%d", i)), time.Hour, "")
	}
	h.clock.Advance(8 * time.Hour)
	h.must(h.Sweep(h.ctx()))
	if h.state(last.ID) != access.Expired {
		t.Errorf("the last of 45 is %s", h.state(last.ID))
	}
}

func TestRequestWaitsForTheFirstKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "s", Asker: carol, Person: alice, Duration: time.Hour})
	h.must(err)
	if r.State != access.WaitingForKey {
		t.Fatalf("%s, want it to wait for a key", r.State)
	}
	if asked := h.notices(access.NoticeKeyWanted); len(asked) != 1 || asked[0].To != alice || asked[0].RequestID != r.ID {
		t.Fatalf("asked for the key: %+v", asked)
	}
	_, err = h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "waiting for the person to register")

	h.clock.Advance(7 * time.Hour)
	out, err := h.Register(h.ctx(), alice, newKey("alice laptop"), "")
	h.must(err)
	if len(out.Released) != 1 || out.Released[0] != r.ID {
		t.Errorf("released %v", out.Released)
	}
	h.clock.Advance(7 * time.Hour) // approvers have the whole time from here on
	h.approve(r.ID)
	h.work()
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("placed %v", got)
	}
}

func TestRequestWithoutAKeyExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	r := h.ask(alice, time.Hour, "")
	h.clock.Advance(8 * time.Hour)
	h.must(h.Sweep(h.ctx()))
	out, err := h.Register(h.ctx(), alice, newKey("alice laptop"), "")
	if err != nil || len(out.Released) != 0 || h.state(r.ID) != access.Expired {
		t.Errorf("released %v, request is %s, %v", out.Released, h.state(r.ID), err)
	}
}

func TestPersonWhoRemovedTheOnlyKeyCannotBeGranted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	h.must(h.RemoveKey(h.ctx(), alice, key.Fingerprint()))
	_, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "no key any more")
	back, err := h.Register(h.ctx(), alice, key, "again")
	if err != nil || !back.Fresh {
		t.Fatalf("a removed key may come back: %+v, %v", back, err)
	}
	h.approve(r.ID) // the failed click did not count
}

func TestKeyRegisteredLaterJoinsOnlyByANewRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "old laptop")
	h.grant(alice, 3*time.Hour, "")
	h.register(alice, "new laptop")
	h.work()
	h.pass(time.Hour)
	if got := h.account.ours(); len(got) != 1 {
		t.Errorf("%d keys, want the one of the grant", len(got))
	}
	h.grant(alice, time.Hour, "")
	h.work()
	if got := h.account.ours(); len(got) != 2 {
		t.Errorf("%d keys after the new grant, want both", len(got))
	}
}
