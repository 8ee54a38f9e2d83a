package workflow_test

import (
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestRefusedGrantAsksChangeNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	good := workflow.GrantAsk{Asker: alice, Person: alice, Duration: time.Hour}
	tests := []struct {
		name  string
		alter func(a *workflow.GrantAsk)
		words string
	}{
		{"too short", func(a *workflow.GrantAsk) { a.Duration = 4*time.Minute + 59*time.Second }, "shortest grant is 5m"},
		{"zero", func(a *workflow.GrantAsk) { a.Duration = 0 }, "too short"},
		{"negative", func(a *workflow.GrantAsk) { a.Duration = -time.Hour }, "too short"},
		{"too long", func(a *workflow.GrantAsk) { a.Duration = 30*24*time.Hour + 1 }, "longest grant is 30d"},
		{"for ever", func(a *workflow.GrantAsk) { a.Forever = true }, "no end date is not allowed"},
		{"a system user that is not listed", func(a *workflow.GrantAsk) { a.SystemUser = "postgres" }, "Possible: runcloud, root"},
		{"a name that matches nothing", func(a *workflow.GrantAsk) { a.Servers = "web-o1" }, "The nearest: web-01, "},
		{"one of several matches nothing", func(a *workflow.GrantAsk) { a.Servers = "web-01, db-*" }, "No server matches `db-*`"},
		{"no server named", func(a *workflow.GrantAsk) { a.Servers = " , ," }, "at least one server"},
		{"an id that is none", func(a *workflow.GrantAsk) { a.Servers = "#" }, "not a server ID"},
		{"an id the account lacks", func(a *workflow.GrantAsk) { a.Servers = "#77" }, "No server has the ID `#77`"},
	}
	h.Unchanged(t, func() {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				ask := good
				ask.Source = tt.name
				tt.alter(&ask)
				_, err := h.AskGrant(h.Ctx(), ask)
				refuses(t, err, access.Invalid, tt.words)
			})
		}
	})
}

func TestLimitsOfADurationAreInside(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for _, d := range []time.Duration{5 * time.Minute, 30 * 24 * time.Hour} {
		if r := h.Ask(alice, d, ""); r.Duration != d {
			t.Errorf("asked %v, got %v", d, r.Duration)
		}
	}
}

func TestSetOfServersIsFixedWhenItIsAsked(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	h.Account.Names[3] = "web-03"
	h.Clock.Advance(10 * time.Minute)
	_, err := h.FindServers(h.Ctx(), bob, "web-03") // the bot has read of it
	h.Must(err)
	h.Approve(r.ID)
	h.Work()
	if got := len(h.Account.Ours()); got != 2 {
		t.Errorf("%d servers, want the two that were there", got)
	}
}

func TestSameSourceIsOneRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	ask := workflow.GrantAsk{Source: "envelope 1", Asker: alice, Person: alice, Duration: time.Hour}
	first, err := h.AskGrant(h.Ctx(), ask)
	h.Must(err)
	h.Unchanged(t, func() {
		again, err := h.AskGrant(h.Ctx(), ask)
		if err != nil || again.ID != first.ID {
			t.Errorf("the second delivery made %+v, %v", again, err)
		}
	})
	h.Approve(first.ID)
	late, err := h.AskGrant(h.Ctx(), ask)
	if err != nil || late.ID != first.ID || late.State != access.Approved {
		t.Errorf("a late delivery made %+v, %v", late, err)
	}
}

func TestTheSameWishTypedTwiceIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Ask(alice, time.Hour, "web-01")
	again := workflow.GrantAsk{Source: "typed again", Asker: alice, Person: alice, Duration: time.Hour, Servers: "web-01"}
	_, err := h.AskGrant(h.Ctx(), again)
	refuses(t, err, access.Conflict, "request 1 is waiting")
	h.Ask(alice, 2*time.Hour, "web-01") // not the same
	h.Ask(alice, time.Hour, "web-02")
	h.Clock.Advance(2*time.Minute + time.Second)
	_, err = h.AskGrant(h.Ctx(), again)
	h.Must(err) // later it is meant
}

func TestUnansweredRequestExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	h.Clock.Advance(8*time.Hour - time.Second)
	h.Must(h.Sweep(h.Ctx()))
	if h.State(r.ID) != access.Pending {
		t.Fatalf("%s a second too early", h.State(r.ID))
	}
	h.Clock.Advance(time.Second)
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "expired unanswered") // even before the sweep
	h.Must(h.Sweep(h.Ctx()))
	if h.State(r.ID) != access.Expired {
		t.Errorf("%s, want expired", h.State(r.ID))
	}
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "expired unanswered")
}

func TestReasonMayBeRequired(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Settings.ReasonRequired, h.Settings.TicketURL = true, "https://t.example/%s"
	ask := workflow.GrantAsk{Source: "s", Asker: alice, Person: alice, Duration: time.Hour}
	for _, empty := range []string{"", " \t", "-", "\u200b"} {
		ask.Reason = empty
		_, err := h.AskGrant(h.Ctx(), ask)
		refuses(t, err, access.Invalid, "for the release")
	}
	ask.Reason = "OPS-7"
	r, err := h.AskGrant(h.Ctx(), ask)
	h.Must(err)
	v, err := h.View(h.Ctx(), r.ID)
	if h.Must(err); v.TicketURL != h.Settings.TicketURL {
		t.Errorf("tickets are at %q", v.TicketURL)
	}
	h.Approve(r.ID)
	_, err = h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "x", Asker: alice, Person: alice, Duration: time.Hour})
	h.Must(err)
	_, err = h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: carol, Person: alice})
	h.Must(err)
}

func TestManyRequestsExpireInOneSweep(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	var last access.Request
	for i := range 45 {
		last = h.Ask(access.UserID(fmt.Sprintf("U%d", i)), time.Hour, "")
	}
	h.Clock.Advance(8 * time.Hour)
	h.Must(h.Sweep(h.Ctx()))
	if h.State(last.ID) != access.Expired {
		t.Errorf("the last of 45 is %s", h.State(last.ID))
	}
}

func TestRequestWaitsForTheFirstKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: carol, Person: alice, Duration: time.Hour})
	h.Must(err)
	if r.State != access.WaitingForKey {
		t.Fatalf("%s, want it to wait for a key", r.State)
	}
	if asked := h.Notices(access.NoticeKeyWanted); len(asked) != 1 || asked[0].To != alice || asked[0].RequestID != r.ID {
		t.Fatalf("asked for the key: %+v", asked)
	}
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "waiting for the person to register")

	h.Clock.Advance(7 * time.Hour)
	out, err := h.Register(h.Ctx(), alice, workflowtest.NewKey("alice laptop"), "")
	h.Must(err)
	if len(out.Released) != 1 || out.Released[0] != r.ID {
		t.Errorf("released %v", out.Released)
	}
	h.Clock.Advance(7 * time.Hour) // approvers have the whole time from here on
	h.Approve(r.ID)
	h.Work()
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("placed %v", got)
	}
}

func TestRequestWithoutAKeyExpires(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	r := h.Ask(alice, time.Hour, "")
	h.Clock.Advance(8 * time.Hour)
	h.Must(h.Sweep(h.Ctx()))
	out, err := h.Register(h.Ctx(), alice, workflowtest.NewKey("alice laptop"), "")
	if err != nil || len(out.Released) != 0 || h.State(r.ID) != access.Expired {
		t.Errorf("released %v, request is %s, %v", out.Released, h.State(r.ID), err)
	}
}

func TestPersonWhoRemovedTheOnlyKeyCannotBeGranted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	h.Must(h.RemoveKey(h.Ctx(), alice, key.Fingerprint()))
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "no key any more")
	back, err := h.Register(h.Ctx(), alice, key, "again")
	if err != nil || !back.Fresh {
		t.Fatalf("a removed key may come back: %+v, %v", back, err)
	}
	h.Approve(r.ID) // the failed click did not count
}

func TestKeyRegisteredLaterJoinsOnlyByANewRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "old laptop")
	h.Grant(alice, 3*time.Hour, "")
	h.MustRegister(alice, "new laptop")
	h.Work()
	h.Pass(time.Hour)
	if got := h.Account.Ours(); len(got) != 1 {
		t.Errorf("%d keys, want the one of the grant", len(got))
	}
	h.Grant(alice, time.Hour, "")
	h.Work()
	if got := h.Account.Ours(); len(got) != 2 {
		t.Errorf("%d keys after the new grant, want both", len(got))
	}
}
