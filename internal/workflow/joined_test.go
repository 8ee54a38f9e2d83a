package workflow_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func mustAskRevoke(h *harness, asker access.UserID, a workflow.RevokeAsk) access.Request {
	h.T.Helper()
	a.Source, a.Asker = h.NextSource(), asker
	r, err := h.AskRevoke(h.Ctx(), a)
	h.Must(err)
	return r
}

const erin = access.UserID("U0ERIN")

func TestRevocationsOfTheSameAreOneRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	first := mustAskRevoke(h, alice, workflow.RevokeAsk{Person: alice, Reason: "lost"})
	h.Clock.Advance(time.Hour / 2)
	for _, a := range []workflow.RevokeAsk{{Person: alice, Reason: "stolen"}, {Person: alice}, {Person: alice, Servers: "web-01"}} {
		if r := mustAskRevoke(h, carol, a); r.ID != first.ID {
			t.Errorf("%+v made request %d", a, r.ID)
		}
	}
	mustAskRevoke(h, erin, workflow.RevokeAsk{Person: alice})
	v := h.MustView(first.ID)
	if len(v.Askers) != 2 || v.Askers[0].Asker != carol || v.Askers[0].Reason != "stolen" {
		t.Errorf("asked by %+v", v.Askers)
	}
	// Nobody ends by withdrawing what others ask for.
	mustCancel(h, first.ID, alice)
	if v = h.MustView(first.ID); v.Request.State != access.Pending || v.Request.Asker != carol || v.Request.Reason != "stolen" || len(v.Askers) != 1 {
		t.Errorf("after one of them withdrew: %+v, %+v", v.Request, v.Askers)
	}
	mustCancel(h, first.ID, erin)
	mustCancel(h, first.ID, carol)
	if got := h.State(first.ID); got != access.Cancelled {
		t.Errorf("after all did it is %s", got)
	}
	h.VerifyAudit()
}

func TestNarrowerRevocationDoesNotTakeAWiderOneIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	narrow := mustAskRevoke(h, carol, workflow.RevokeAsk{Person: alice, Servers: "web-01"})
	wide := mustAskRevoke(h, erin, workflow.RevokeAsk{Person: alice})
	if narrow.ID == wide.ID {
		t.Fatal("the wider one was lost")
	}
	h.Approve(wide.ID)
	if r := h.MustView(narrow.ID).Request; r.State != access.Cancelled || !strings.Contains(r.Note, fmt.Sprintf("request %d", wide.ID)) {
		t.Errorf("what was done already is still to decide: %+v", r)
	}
}

func TestWhoJoinedARevocationDoesNotDecideIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	r := mustAskRevoke(h, alice, workflow.RevokeAsk{Person: alice})
	mustAskRevoke(h, carol, workflow.RevokeAsk{Person: alice})
	h.Settings.Approvers = append(h.Settings.Approvers, string(carol))
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: carol, Verdict: access.Approve})
	refuses(t, err, access.Forbidden, "asked for this yourself")
}

func TestRevokingClosesWhatWouldGiveAccessAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		revoke workflow.RevokeAsk
		asked  string // servers of the pending request
		closed bool
	}{
		"everywhere":          {workflow.RevokeAsk{Person: alice}, "web-02", true},
		"on its servers":      {workflow.RevokeAsk{Person: alice, Servers: "web-01"}, "web-01,web-02", true},
		"on other servers":    {workflow.RevokeAsk{Person: alice, Servers: "web-01"}, "web-02", false},
		"one key of several":  {workflow.RevokeAsk{Fingerprint: workflowtest.NewKey("alice laptop").Fingerprint()}, "web-01", false},
		"of somebody else":    {workflow.RevokeAsk{Person: carol}, "web-01", false},
		"before a key exists": {workflow.RevokeAsk{Person: erin}, "web-01", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 3)
			h.MustRegister(alice, "alice laptop")
			h.MustRegister(alice, "alice second")
			h.MustRegister(carol, "carol laptop")
			h.Grant(alice, time.Hour, "")
			h.Grant(carol, time.Hour, "")
			receiver := alice
			if name == "before a key exists" {
				receiver = erin
				h.MustRegister(erin, "erin laptop")
				h.Grant(erin, time.Hour, "web-03")
				h.Must(h.RemoveKey(h.Ctx(), erin, workflowtest.NewKey("erin laptop").Fingerprint()))
				h.MustRegister(erin, "erin other")
				h.Grant(erin, time.Hour, "web-03")
				h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
					k, err := tx.Key(h.Ctx(), workflowtest.NewKey("erin other").Fingerprint())
					k.RemovedAt = h.Now()
					if err == nil {
						err = tx.SaveKey(h.Ctx(), k)
					}
					return err
				}))
			}
			r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "g", Asker: receiver, Person: receiver, Duration: 2 * time.Hour, Servers: test.asked})
			h.Must(err)
			_, err = h.Confirm(h.Ctx(), mustAskRevoke(h, bob, test.revoke).ID, bob, time.Time{})
			h.Must(err)
			got := h.MustView(r.ID).Request
			if closed := got.State == access.Cancelled; closed != test.closed || closed && !strings.Contains(got.Note, "revoked") {
				t.Errorf("it is %s: %s", got.State, got.Note)
			}
		})
	}
}

func TestTenOpenRequestsForAccessAndAnyNumberThatEndIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 12)
	h.MustRegister(alice, "alice laptop")
	var first access.Request
	for i := range 10 {
		r := h.Ask(alice, time.Hour, fmt.Sprintf("web-%02d", i+1))
		if i == 0 {
			first = r
		}
	}
	h.Unchanged(t, func() {
		_, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "one more", Asker: alice, Person: carol, Duration: time.Hour})
		refuses(t, err, access.Conflict, "10 requests")
		again, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: first.Source, Asker: alice, Person: alice, Duration: time.Hour, Servers: "web-01"})
		if err != nil || again.ID != first.ID {
			t.Errorf("the same command again: %d, %v", again.ID, err)
		}
	})
	h.MustRegister(carol, "carol laptop")
	h.Grant(carol, time.Hour, "")
	for i := range 12 {
		mustAskRevoke(h, alice, workflow.RevokeAsk{Person: carol, Servers: fmt.Sprintf("web-%02d", i+1)})
	}
	mustCancel(h, first.ID, alice)
	h.Ask(alice, time.Hour, "web-11")
}
