package access_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// revoke has an approver revoke, and confirm it.
func (h *harness) revoke(a access.RevokeAsk) access.Request {
	h.t.Helper()
	a.Source, a.Asker = h.nextSource(), bob
	r, err := h.AskRevoke(h.ctx(), a)
	h.must(err)
	r, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
	h.must(err)
	return r
}

func TestRevokedKeyDoesNotComeBackWithTheNextGrant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	lost, kept := h.register(alice, "lost laptop"), h.register(alice, "good laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	pending := h.ask(alice, 3*time.Hour, "")
	r := h.revoke(access.RevokeAsk{Fingerprint: lost.Fingerprint()})
	if !r.Unregisters() {
		t.Error("the request does not say so")
	}
	h.approve(pending.ID)
	h.work()
	if got := h.account.keys[1]; len(got) != 1 || got[0].PublicKey != kept.Line(got[0].Label) {
		t.Errorf("on the server %+v, want the good laptop's key alone", got)
	}
	h.revoke(access.RevokeAsk{Key: &kept})
	keys, err := h.Keys(h.ctx(), alice, "")
	if err != nil || len(keys) != 0 {
		t.Errorf("registered are %+v, %v", keys, err)
	}
	h.revoke(access.RevokeAsk{Key: &kept}) // once more, to look for it again
	h.verifyAudit()
}

func TestKeyRevokedOnSomeServersStaysRegistered(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	if r := h.revoke(access.RevokeAsk{Fingerprint: key.Fingerprint(), Servers: "web-01"}); r.Unregisters() {
		t.Error("it says that the key is no longer registered")
	}
	h.work()
	if keys, err := h.Keys(h.ctx(), alice, ""); err != nil || len(keys) != 1 || len(h.account.ours()) != 1 {
		t.Errorf("registered %+v, %v; on servers %v", keys, err, h.account.ours())
	}
}

func TestRevokedFingerprintIsLookedForOnEveryServer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	key := h.register(alice, "alice laptop")
	byHand := h.account.strange(3, "by hand", "root", key.Authorized())
	_, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "all of alice", Asker: bob, Person: alice})
	refuses(t, err, access.NotFound, "name its fingerprint or paste it")
	r := h.revoke(access.RevokeAsk{Fingerprint: key.Fingerprint()})
	h.work()
	if found := h.view(r.ID).Candidates; len(found) != 1 || found[0].Credential.ID != byHand {
		t.Errorf("found %+v", found)
	}
}

// mute is an account whose list of servers cannot be read.
type mute struct{ *account }

func (mute) Servers(context.Context) ([]access.Server, error) {
	return nil, &access.Error{Code: access.Unavailable, Message: "Server Error"}
}

func TestLostKeyIsRevokedWhileRunCloudIsAway(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.register(alice, "alice laptop")
	h.Target = mute{h.account}
	_, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "before any reading", Asker: bob, Fingerprint: key.Fingerprint()})
	refuses(t, err, access.Unavailable, "Server Error")
	h.Target = h.account
	h.grant(alice, 5*time.Hour, "")
	h.work()
	h.clock.Advance(time.Hour)
	h.Target = mute{h.account}
	r := h.revoke(access.RevokeAsk{Fingerprint: key.Fingerprint()})
	h.work()
	if left := h.account.ours(); len(left) != 0 || len(h.view(r.ID).Servers) != 2 {
		t.Errorf("left %v", left)
	}
}

// Names are not asked for where the key itself is looked for: that must not wait for Slack.
func TestLostKeyIsLookedForWhileSlackIsAway(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.register(alice, "alice laptop")
	h.grant(alice, 10*time.Hour, "")
	h.work()
	r := h.revoke(access.RevokeAsk{Fingerprint: key.Fingerprint()})
	h.Directory = away{}
	h.clock.Advance(2 * time.Hour) // nothing heard before counts
	h.work()
	h.settled(t, r.ID, true, "while Slack is away")
}
