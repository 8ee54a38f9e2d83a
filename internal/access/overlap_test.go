package access_test

import (
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// Two grants of one key that end together are no reason for one another to keep it.
func TestEndOfTwoGrantsOfOneKeyIsNotSaidBeforeItIsGone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(h *harness) int64{
		"revoked": func(h *harness) int64 {
			r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: bob, Person: alice})
			h.must(err)
			_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
			h.must(err)
			return r.ID
		},
		"offboarded": func(h *harness) int64 { return h.offboard(alice).ID },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.EngineSettings.LongGrants = access.Permanent
			h.register(alice, "alice laptop")
			h.grant(alice, 20*time.Hour, "")
			h.grant(alice, 30*time.Hour, "")
			h.work()
			h.Target = &held{account: h.account, ill: true}
			id := end(h)
			h.pass(time.Hour)
			h.settled(t, id, false, "while removals fail")
			if got := states(h.view(id), access.PhaseRemove); got[access.Waiting] != 2 {
				t.Errorf("removals %v, want both to wait", got)
			}
			h.Target = h.account
			h.pass(time.Hour)
			h.settled(t, id, true, "in the end")
			if got := states(h.view(id), access.PhaseRemove); got[access.Done] != 2 || len(h.account.ours()) != 0 {
				t.Errorf("removals %v, keys %v", got, h.account.ours())
			}
		})
	}
}

func TestRevokedKeyThatIsRegisteredBeforeTheApproval(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := newKey("alice laptop")
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: carol, Key: &key, Reason: "leaked"})
	h.must(err)
	h.register(alice, "alice laptop")
	h.grant(alice, 10*time.Hour, "")
	h.work()
	h.approve(r.ID)
	h.work()
	h.settled(t, r.ID, true, "in the end")
	if got := states(h.view(r.ID), access.PhaseRemove); got[access.Done] != 2 || len(h.account.ours()) != 0 {
		t.Errorf("removals %v, keys %v", got, h.account.ours())
	}
	if keys, err := h.Keys(h.ctx(), alice, alice); err != nil || len(keys) != 0 {
		t.Errorf("registered %v, %v", keys, err)
	}
}

func TestGrantThatTheSettingsRuleOutByNowIsRefused(t *testing.T) {
	t.Parallel()
	for name, tighten := range map[string]func(s *access.Settings){
		"for ever":    func(s *access.Settings) { s.AllowForever = false },
		"system user": func(s *access.Settings) { s.SystemUsers = []string{"runcloud"} },
	} {
		h := newHarness(t, 1)
		h.Settings.AllowForever = true
		h.register(alice, "alice laptop")
		r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "f", Asker: alice, Person: alice, Forever: true, SystemUser: "root"})
		h.must(err)
		tighten(&h.Settings)
		if _, err := h.Decide(h.ctx(), access.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve}); access.CodeOf(err) != access.Invalid {
			t.Errorf("%s: approved: %v", name, err)
		}
		if got := h.state(r.ID); got != access.Pending {
			t.Errorf("%s: the request is %s", name, got)
		}
	}
}
