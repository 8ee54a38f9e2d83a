package workflow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestVaultIsGrantedRevokedAndOffboarded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	v := &workflowtest.Vault{}
	h.Engine.Targets = append(h.Engine.Targets, v)
	alices := h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, 48*time.Hour, "vault")
	h.Work()
	if len(v.Keys) != 1 || !strings.HasPrefix(v.Keys[0].PublicKey, alices.Line("")) || len(h.Account.Ours()) != 0 {
		t.Fatalf("the vault has %+v, the account %v, want alice's key in the vault alone", v.Keys, h.Account.Ours())
	}
	placed := h.MustView(r.ID)
	if got := workflowtest.States(placed, access.PhaseAdd); got[access.Done] != 1 || placed.Renewals.Every != 0 || placed.ExternalIDs[placed.Results[0].ServerID] != "the vault" {
		t.Errorf("said %v, renewed every %s, on %v", got, placed.Renewals.Every, placed.ExternalIDs)
	}
	h.Pass(20 * time.Hour)
	if v.Made != 1 {
		t.Errorf("placed %d times, though it lapses never", v.Made)
	}

	revoked, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "revoke", Asker: bob, Person: alice, Servers: "vault"})
	h.Must(err)
	_, err = h.Confirm(h.Ctx(), revoked.ID, bob, time.Time{})
	h.Must(err)
	h.Work()
	if len(v.Keys) != 0 {
		t.Errorf("after the revocation the vault has %+v", v.Keys)
	}

	h.Grant(alice, time.Hour, "vault,web-01")
	h.Work()
	_, err = v.Add(h.Ctx(), "the vault", access.Credential{Label: "by hand", PublicKey: alices.Line("alice at home")})
	h.Must(err)
	v.Down = true
	off := h.MustOffboard(alice)
	h.Work()
	if view := h.MustView(off.ID); view.Settled() || len(h.Account.Ours()) != 0 || len(view.SessionsUnread) != 0 {
		t.Errorf("settled while the vault is closed, or the account still has %v, or sessions are to be read on %v", h.Account.Ours(), view.SessionsUnread)
	}
	v.Down = false
	h.Pass(time.Hour)
	view := h.MustView(off.ID)
	if len(v.Keys) != 1 || !view.Settled() || view.Undecided() != 1 || len(view.SessionsUnread) != 0 {
		t.Fatalf("the vault has %+v; settled %v, undecided %d", v.Keys, view.Settled(), view.Undecided())
	}
	h.Must(h.Pick(h.Ctx(), off.ID, view.Candidates[0].ServerID, view.Candidates[0].Credential.ID, bob))
	h.Work()
	if view := h.MustView(off.ID); len(v.Keys) != 0 || !view.Settled() || view.Undecided() != 0 {
		t.Errorf("in the end the vault has %+v", v.Keys)
	}
	h.VerifyAudit()
}

// Servers of two accounts that have the same id and name never touch each other.
func TestTwoAccountsWithTheSameServers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	other := workflowtest.NewAccount("client", h.Clock, 2)
	h.Engine.Targets = append(h.Engine.Targets, other)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	one := h.Grant(alice, 5*time.Hour, "account/web-01")
	h.Grant(carol, 5*time.Hour, "client/#1,client/web-02")
	h.Work()
	check := func(when string, here, there int) {
		t.Helper()
		if got := [2]int{len(h.Account.Ours()), len(other.Ours())}; got != [2]int{here, there} {
			t.Errorf("%s: %v keys on the accounts, want %d and %d", when, got, here, there)
		}
	}
	check("granted", 1, 2)
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Unauthorized }
	h.Grant(carol, 5*time.Hour, "account/web-02")
	h.Grant(alice, 5*time.Hour, "client/web-01")
	h.Work()
	check("one refuses the token, the other goes on", 1, 3)
	halted, err := h.Engine.Halted(h.Ctx())
	h.Must(err)
	if len(halted) != 1 || halted[0].Name != "account" {
		t.Errorf("halted are %+v", halted)
	}
	h.Account.Next = nil
	h.Must(h.Engine.Resume(h.Ctx()))
	h.Work()
	check("mended", 2, 3)
	_, err = h.GiveBack(h.Ctx(), alice, one.GrantID, "done")
	h.Must(err)
	h.Work()
	check("given back on one", 1, 3)
	off := h.MustOffboard(carol)
	h.Pass(10 * time.Minute)
	check("offboarded on both", 0, 1)
	if v := h.MustView(off.ID); !v.Settled() || workflowtest.States(v, access.PhaseInspect)[access.Done] != 4 || workflowtest.States(v, access.PhaseList)[access.Done] != 2 {
		t.Errorf("results: %+v", v.Results)
	}
	h.VerifyAudit()
}

// several is a harness with two accounts, the first with two servers.
func several(t *testing.T) (h *harness, client *workflowtest.Account) {
	h = newHarness(t, 2)
	client = workflowtest.NewAccount("client", h.Clock, 3)
	h.Account.Several, client.Several = true, true
	client.Names[3], client.Tags = "a, b", map[int64][]string{1: {"shop"}}
	h.Engine.Targets = append(h.Engine.Targets, client)
	_, err := h.Engine.Servers(h.Ctx(), 0, "")
	h.Must(err)
	return h, client
}

// Access to the servers of several accounts is asked for by name, never by leaving it out. What ends
// access means all of them.
func TestServersOfSeveralAccountsAreNamed(t *testing.T) {
	t.Parallel()
	h, client := several(t)
	h.MustRegister(alice, "alice laptop")
	h.Unchanged(t, func() {
		for _, pattern := range []string{"", " "} {
			_, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: h.NextSource(), Asker: alice, Person: alice, Duration: time.Hour, Servers: pattern})
			refuses(t, err, access.Invalid, "`on client/web-*` for some, `on account/*` for all of account, or `on *` for all there are")
			refuses(t, h.CheckServers(h.Ctx(), pattern), access.Invalid, "several accounts")
		}
	})
	h.Must(h.CheckServers(h.Ctx(), "client/*"))
	h.Grant(alice, time.Hour, "*")
	h.Work()
	if len(h.Account.Ours()) != 2 || len(client.Ours()) != 3 {
		t.Errorf("keys %v and %v", h.Account.Ours(), client.Ours())
	}
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "revoke", Asker: bob, Person: alice})
	h.Must(err)
	_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	h.Must(err)
	h.Work()
	if len(h.Account.Ours())+len(client.Ours()) != 0 {
		t.Errorf("left %v and %v", h.Account.Ours(), client.Ours())
	}
}

// What keeps a long grant alive is told for the quotas of the accounts that it is on.
func TestRenewalsOnSeveralAccounts(t *testing.T) {
	t.Parallel()
	h, client := several(t)
	client.Lifetime = 48 * time.Hour
	h.MustRegister(alice, "alice laptop")
	for pattern, want := range map[string]int{"*": 1, "account/*": 1, "client/*": 0} {
		if got := h.MustView(h.Ask(alice, 24*time.Hour, pattern).ID).Renewals; got.Targets != want || (got.Every > 0) != (want > 0) {
			t.Errorf("%s: %+v, want on %d accounts", pattern, got, want)
		}
	}
	client.Lifetime = 6 * time.Hour
	if got := h.MustView(h.Ask(alice, 25*time.Hour, "*").ID).Renewals; got.Targets != 2 {
		t.Errorf("%+v, want on two accounts", got)
	}
}

// What is placed on a target that is no longer configured stays owed.
func TestTargetThatIsNoLongerConfiguredIsOwed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	v := &workflowtest.Vault{}
	both := append(h.Engine.Targets, v)
	h.Engine.Targets = both
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, time.Hour, "vault")
	h.Work()
	h.SetTarget(h.Account)
	h.Pass(2 * time.Hour)
	view := h.MustView(r.ID)
	var problems []access.Problem
	for _, result := range view.Results {
		if result.Phase == access.PhaseRemove {
			problems = append(problems, result.Problem)
		}
	}
	if diff := cmp.Diff([]access.Problem{access.ProblemUnconfigured}, problems); diff != "" || len(v.Keys) != 1 {
		t.Errorf("the removal: %s, %+v", diff, v.Keys)
	}
	h.Engine.Targets = both
	h.Pass(time.Hour)
	if len(v.Keys) != 0 {
		t.Errorf("configured again, the vault has %+v", v.Keys)
	}
}
