package workflow_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// MustRevoke has an approver revoke, and confirm it.
func mustRevoke(h *harness, a workflow.RevokeAsk) access.Request {
	h.T.Helper()
	a.Source, a.Asker = h.NextSource(), bob
	r, err := h.AskRevoke(h.Ctx(), a)
	h.Must(err)
	r, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	h.Must(err)
	return r
}

func TestRevokedKeyDoesNotComeBackWithTheNextGrant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	lost, kept := h.MustRegister(alice, "lost laptop"), h.MustRegister(alice, "good laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	pending := h.Ask(alice, 3*time.Hour, "")
	r := mustRevoke(h, workflow.RevokeAsk{Fingerprint: lost.Fingerprint()})
	if !r.Unregisters() {
		t.Error("the request does not say so")
	}
	h.Approve(pending.ID)
	h.Work()
	if got := h.Account.Keys[1]; len(got) != 1 || got[0].PublicKey != kept.Line(got[0].Label) {
		t.Errorf("on the server %+v, want the good laptop's key alone", got)
	}
	mustRevoke(h, workflow.RevokeAsk{Key: &kept})
	keys, err := h.Keys(h.Ctx(), alice, "")
	if err != nil || len(keys) != 0 {
		t.Errorf("registered are %+v, %v", keys, err)
	}
	mustRevoke(h, workflow.RevokeAsk{Key: &kept}) // once more, to look for it again
	h.VerifyAudit()
}

func TestKeyRevokedOnSomeServersStaysRegistered(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	if r := mustRevoke(h, workflow.RevokeAsk{Fingerprint: key.Fingerprint(), Servers: "web-01"}); r.Unregisters() {
		t.Error("it says that the key is no longer registered")
	}
	h.Work()
	if keys, err := h.Keys(h.Ctx(), alice, ""); err != nil || len(keys) != 1 || len(h.Account.Ours()) != 1 {
		t.Errorf("registered %+v, %v; on servers %v", keys, err, h.Account.Ours())
	}
}

func TestRevokedFingerprintIsLookedForOnEveryServer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	key := h.MustRegister(alice, "alice laptop")
	byHand := h.Account.AddKey(3, "by hand", "root", key.Authorized())
	_, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "all of alice", Asker: bob, Person: alice})
	refuses(t, err, access.NotFound, "name its fingerprint or paste it")
	r := mustRevoke(h, workflow.RevokeAsk{Fingerprint: key.Fingerprint()})
	h.Work()
	if found := h.MustView(r.ID).Candidates; len(found) != 1 || found[0].Credential.ID != byHand {
		t.Errorf("found %+v", found)
	}
}

// mute is an account whose list of servers cannot be read.
type mute struct{ *workflowtest.Account }

func (mute) Servers(context.Context) ([]access.Server, error) {
	return nil, &access.Error{Code: access.Unavailable, Message: "Server Error"}
}

func TestLostKeyIsRevokedWhileRunCloudIsAway(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.MustRegister(alice, "alice laptop")
	h.SetTarget(mute{h.Account})
	_, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "before any reading", Asker: bob, Fingerprint: key.Fingerprint()})
	refuses(t, err, access.Unavailable, "Server Error")
	h.SetTarget(h.Account)
	h.Grant(alice, 5*time.Hour, "")
	h.Work()
	h.Clock.Advance(time.Hour)
	h.SetTarget(mute{h.Account})
	r := mustRevoke(h, workflow.RevokeAsk{Fingerprint: key.Fingerprint()})
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 || len(h.MustView(r.ID).Servers) != 2 {
		t.Errorf("left %v", left)
	}
}

// Names are not asked for where the key itself is looked for: that must not wait for Slack.
func TestLostKeyIsLookedForWhileSlackIsAway(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	r := mustRevoke(h, workflow.RevokeAsk{Fingerprint: key.Fingerprint()})
	h.SetDirectory(away{})
	h.Clock.Advance(2 * time.Hour) // nothing heard before counts
	h.Work()
	h.Settled(t, r.ID, true, "while Slack is away")
}
