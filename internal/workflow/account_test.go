package workflow_test

import (
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// withLender adds an account that can be lent to the targets.
func withLender(h *harness) *workflowtest.Lender {
	l := &workflowtest.Lender{}
	h.Engine.Targets = append(h.Engine.Targets, l)
	return l
}

func undecided(v workflow.RequestView) (ids []string) {
	for _, c := range v.Candidates {
		if c.PickedBy == "" {
			ids = append(ids, c.Credential.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// An account is lent where it is named alone: no pattern for servers means it.
func TestAccountIsNamedAlone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	l := withLender(h)
	h.MustRegister(alice, "alice laptop")
	for _, pattern := range []string{"", "*", "web-*", "v*", "tag:x,web-01"} {
		r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: h.NextSource(), Asker: alice, Person: alice, Duration: time.Hour, Servers: pattern})
		if pattern == "v*" || pattern == "tag:x,web-01" {
			refuses(t, err, access.Invalid, "matches")
			continue
		}
		h.Must(err)
		for _, ref := range h.MustView(r.ID).Servers {
			if ref.Name == "vault" {
				t.Errorf("%q names the account", pattern)
			}
		}
	}
	ask := func(servers, user string) error {
		_, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: h.NextSource(), Asker: alice, Person: alice, Duration: time.Hour, Servers: servers, SystemUser: user})
		return err
	}
	h.Unchanged(t, func() {
		refuses(t, ask("vault,web-01", ""), access.Invalid, "alone")
		refuses(t, ask("vault", "root"), access.Invalid, "system user")
		l.Refuses = true
		refuses(t, ask("vault", ""), access.Forbidden, "not lent")
	})
	l.Refuses = false
	r := h.Ask(alice, 2*time.Hour, " Vault ")
	if v := h.MustView(r.ID); v.Account != "the vault" || v.Lending == "" || v.Request.SystemUser != "" {
		t.Errorf("it shows %q, %q, as %q", v.Account, v.Lending, v.Request.SystemUser)
	}
	l.Refuses = true
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Forbidden, "not lent")
}

// When an account is given back, the tokens that were made meanwhile are listed, once the key
// is off it.
func TestTokensAreListedWhenAGrantEnds(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 0)
	l := withLender(h)
	h.MustRegister(alice, "alice laptop")
	l.MakeToken(h.Now().Add(-time.Hour), false) // before
	r := h.Grant(alice, time.Hour, "vault")
	h.Work()
	l.MakeToken(h.Now().Add(time.Minute), false)
	l.Down = true
	h.Pass(2 * time.Hour)
	if v := h.MustView(r.ID); len(v.Candidates) != 0 {
		t.Errorf("listed before the key is off: %+v", v.Candidates)
	}
	l.MakeToken(h.Now(), true)
	l.Down = false
	h.Pass(time.Hour)
	v := h.MustView(r.ID)
	if got := undecided(v); !slices.Equal(got, []string{"token 2", "token 3"}) || len(l.Keys) != 0 {
		t.Fatalf("to decide about %v, keys %+v", got, l.Keys)
	}
	server := v.Candidates[0].ServerID
	refuses(t, h.Pick(h.Ctx(), r.ID, server, "token 3", bob), access.Forbidden, "myself")
	h.Must(h.Pick(h.Ctx(), r.ID, server, "token 2", bob))
	h.Pass(time.Minute)
	if v = h.MustView(r.ID); len(l.All) != 2 || workflowtest.States(v, access.PhaseRemove)[access.Done] != 2 {
		t.Errorf("tokens %+v, results %+v", l.All, v.Results)
	}
	left, err := h.SpareRest(h.Ctx(), r.ID, openDigest(v), bob)
	if h.Must(err); left != 1 {
		t.Errorf("%d stay", left)
	}
	h.VerifyAudit()
}

// At an offboarding goes what the bot placed, and what equals a key that the leaver had proved.
// What equals another key of theirs, what nobody registered and what they may have made is
// listed; a colleague's key is neither.
func TestOffboardingOfSomebodyWhoHeldAnAccount(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	l := withLender(h)
	placed := h.MustRegister(alice, "alice laptop")
	proved, unproved := h.MustRegister(alice, "alice desktop"), h.MustRegister(alice, "alice phone")
	colleague := h.MustRegister(carol, "carol laptop")
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		k, err := tx.Key(h.Ctx(), proved.Fingerprint())
		if err != nil {
			return err
		}
		k.ProvedAt = h.Now()
		return tx.SaveKey(h.Ctx(), k)
	}))
	byHand := func(label, line string) {
		_, err := l.Add(h.Ctx(), "the vault", access.Credential{Label: label, PublicKey: line, CreatedAt: h.Now()})
		h.Must(err)
	}
	byHand("desktop", proved.Line("other comment"))
	byHand("phone", unproved.Line(""))
	byHand("carol", colleague.Line(""))
	byHand("ci", workflowtest.NewKey("a machine").Line(""))
	byHand("broken", "ssh-dss AAAA")
	l.MakeToken(h.Now().Add(-time.Hour), false)
	l.MakeToken(h.Now().Add(time.Hour), false)
	h.Grant(alice, 10*time.Hour, "vault")
	h.Work()
	off := h.MustOffboard(alice)
	h.Pass(time.Minute)
	var left []string
	for _, k := range l.Keys {
		left = append(left, k.Label)
	}
	if slices.Sort(left); !slices.Equal(left, []string{"broken", "carol", "ci", "phone"}) {
		t.Errorf("left are %v; alice's %s goes", left, placed.Fingerprint())
	}
	v := h.MustView(off.ID)
	why := map[access.Why]int{}
	for _, c := range v.Candidates {
		why[c.Why]++
	}
	if why[access.WhyWhole] != 1 || why[access.WhyUnregistered] != 2 || why[access.WhyToken] != 1 || len(v.Candidates) != 4 || !v.Settled() {
		t.Errorf("to decide about %v: %+v", why, v.Candidates)
	}
	h.VerifyAudit()
}
