package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func (h *harness) askRevoke(asker access.UserID, a access.RevokeAsk) access.Request {
	h.t.Helper()
	a.Source, a.Asker = h.nextSource(), asker
	r, err := h.AskRevoke(h.ctx(), a)
	h.must(err)
	return r
}

const erin = access.UserID("U0ERIN")

func TestRevocationsOfTheSameAreOneRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	first := h.askRevoke(alice, access.RevokeAsk{Person: alice, Reason: "lost"})
	h.clock.Advance(time.Hour / 2)
	for _, a := range []access.RevokeAsk{{Person: alice, Reason: "stolen"}, {Person: alice}, {Person: alice, Servers: "web-01"}} {
		if r := h.askRevoke(carol, a); r.ID != first.ID {
			t.Errorf("%+v made request %d", a, r.ID)
		}
	}
	h.askRevoke(erin, access.RevokeAsk{Person: alice})
	v := h.view(first.ID)
	if len(v.Askers) != 2 || v.Askers[0].Asker != carol || v.Askers[0].Reason != "stolen" {
		t.Errorf("asked by %+v", v.Askers)
	}
	// Nobody ends by withdrawing what others ask for.
	h.cancel(first.ID, alice)
	if v = h.view(first.ID); v.Request.State != access.Pending || v.Request.Asker != carol || v.Request.Reason != "stolen" || len(v.Askers) != 1 {
		t.Errorf("after one of them withdrew: %+v, %+v", v.Request, v.Askers)
	}
	h.cancel(first.ID, erin)
	h.cancel(first.ID, carol)
	if got := h.state(first.ID); got != access.Cancelled {
		t.Errorf("after all did it is %s", got)
	}
	h.verifyAudit()
}

func TestNarrowerRevocationDoesNotTakeAWiderOneIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	narrow := h.askRevoke(carol, access.RevokeAsk{Person: alice, Servers: "web-01"})
	wide := h.askRevoke(erin, access.RevokeAsk{Person: alice})
	if narrow.ID == wide.ID {
		t.Fatal("the wider one was lost")
	}
	h.approve(wide.ID)
	if r := h.view(narrow.ID).Request; r.State != access.Cancelled || !strings.Contains(r.Note, fmt.Sprintf("request %d", wide.ID)) {
		t.Errorf("what was done already is still to decide: %+v", r)
	}
}

func TestWhoJoinedARevocationDoesNotDecideIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	r := h.askRevoke(alice, access.RevokeAsk{Person: alice})
	h.askRevoke(carol, access.RevokeAsk{Person: alice})
	h.Settings.Approvers = append(h.Settings.Approvers, string(carol))
	_, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: carol, Verdict: access.Approve})
	refuses(t, err, access.Forbidden, "asked for this yourself")
}

func TestRevokingClosesWhatWouldGiveAccessAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		revoke access.RevokeAsk
		asked  string // servers of the pending request
		closed bool
	}{
		"everywhere":          {access.RevokeAsk{Person: alice}, "web-02", true},
		"on its servers":      {access.RevokeAsk{Person: alice, Servers: "web-01"}, "web-01,web-02", true},
		"on other servers":    {access.RevokeAsk{Person: alice, Servers: "web-01"}, "web-02", false},
		"one key of several":  {access.RevokeAsk{Fingerprint: newKey("alice laptop").Fingerprint()}, "web-01", false},
		"of somebody else":    {access.RevokeAsk{Person: carol}, "web-01", false},
		"before a key exists": {access.RevokeAsk{Person: erin}, "web-01", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 3)
			h.register(alice, "alice laptop")
			h.register(alice, "alice second")
			h.register(carol, "carol laptop")
			h.grant(alice, time.Hour, "")
			h.grant(carol, time.Hour, "")
			receiver := alice
			if name == "before a key exists" {
				receiver = erin
				h.register(erin, "erin laptop")
				h.grant(erin, time.Hour, "web-03")
				h.must(h.RemoveKey(h.ctx(), erin, newKey("erin laptop").Fingerprint()))
				h.register(erin, "erin other")
				h.grant(erin, time.Hour, "web-03")
				h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error {
					k, err := tx.Key(h.ctx(), newKey("erin other").Fingerprint())
					k.RemovedAt = h.Now()
					if err == nil {
						err = tx.SaveKey(h.ctx(), k)
					}
					return err
				}))
			}
			r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "g", Asker: receiver, Person: receiver, Duration: 2 * time.Hour, Servers: test.asked})
			h.must(err)
			_, err = h.Confirm(h.ctx(), h.askRevoke(bob, test.revoke).ID, bob, time.Time{})
			h.must(err)
			got := h.view(r.ID).Request
			if closed := got.State == access.Cancelled; closed != test.closed || closed && !strings.Contains(got.Note, "revoked") {
				t.Errorf("it is %s: %s", got.State, got.Note)
			}
		})
	}
}

func TestTenOpenRequestsForAccessAndAnyNumberThatEndIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 12)
	h.register(alice, "alice laptop")
	var first access.Request
	for i := range 10 {
		r := h.ask(alice, time.Hour, fmt.Sprintf("web-%02d", i+1))
		if i == 0 {
			first = r
		}
	}
	h.unchanged(t, func() {
		_, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "one more", Asker: alice, Person: carol, Duration: time.Hour})
		refuses(t, err, access.Conflict, "10 requests")
		again, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: first.Source, Asker: alice, Person: alice, Duration: time.Hour, Servers: "web-01"})
		if err != nil || again.ID != first.ID {
			t.Errorf("the same command again: %d, %v", again.ID, err)
		}
	})
	h.register(carol, "carol laptop")
	h.grant(carol, time.Hour, "")
	for i := range 12 {
		h.askRevoke(alice, access.RevokeAsk{Person: carol, Servers: fmt.Sprintf("web-%02d", i+1)})
	}
	h.cancel(first.ID, alice)
	h.ask(alice, time.Hour, "web-11")
}
