package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// challenged has somebody try to register a key, and be asked for a proof.
func challenged(h *harness, person access.UserID, seed string, why workflow.ProofCause) access.Challenge {
	h.T.Helper()
	out, err := h.Register(h.Ctx(), person, workflowtest.NewKey(seed), seed)
	h.Must(err)
	if out.Proof != why || out.Fresh || out.Challenge.Nonce == "" {
		h.T.Fatalf("not asked for a proof because of %q: %+v", why, out)
	}
	return out.Challenge
}

func mustProve(h *harness, c access.Challenge, seed string) {
	h.T.Helper()
	out, err := h.Prove(h.Ctx(), workflow.Proof{Actor: c.Person, Nonce: c.Nonce, Signature: workflowtest.Signed(h.T, seed, c.Text)})
	h.Must(err)
	if !out.Fresh || out.Key.ProvedAt.IsZero() {
		h.T.Fatalf("not registered: %+v", out)
	}
}

// fingerprintsOf lists the fingerprints that somebody has registered.
func fingerprintsOf(h *harness, person access.UserID) (all []string) {
	h.T.Helper()
	h.Read(func(tx access.Tx) error {
		keys, err := tx.KeysOf(h.Ctx(), person)
		for _, k := range keys {
			all = append(all, k.Fingerprint)
		}
		return err
	})
	return all
}

func TestKeyThatItsOwnerRemovedIsFree(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(carol, "shared")
	h.Must(h.RemoveKey(h.Ctx(), carol, key.Fingerprint()))
	h.MustRegister(alice, "shared")
	if got := fingerprintsOf(h, alice); !slices.Equal(got, []string{key.Fingerprint()}) || len(fingerprintsOf(h, carol)) != 0 {
		t.Errorf("alice has %v, carol %v", got, fingerprintsOf(h, carol))
	}
}

func TestRevokedKeyStaysRefusedUntilAnApproverFreesIt(t *testing.T) {
	t.Parallel()
	for name, registered := range map[string]bool{"somebody's": true, "nobody's": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			key := workflowtest.NewKey("stolen")
			if registered {
				h.MustRegister(alice, "stolen")
			}
			r := mustRevoke(h, workflow.RevokeAsk{Key: &key})
			refusedFor := func(people ...access.UserID) {
				t.Helper()
				for _, person := range people {
					_, err := h.Register(h.Ctx(), person, key, "")
					refuses(t, err, access.Conflict, "was revoked")
					refuses(t, h.CheckKey(h.Ctx(), person, key.Fingerprint()), access.Conflict, "was revoked")
				}
			}
			refusedFor(alice, carol)
			h.Work()
			h.MustOffboard(alice) // frees nothing
			refusedFor(carol)
			if !h.MustView(r.ID).Refused {
				t.Error("the revocation does not show that its key is refused")
			}
			_, err := h.FreeKey(h.Ctx(), r.ID, carol)
			refuses(t, err, access.Forbidden, "Only an approver")
			_, err = h.FreeKey(h.Ctx(), r.ID, dave)
			h.Must(err)
			_, err = h.FreeKey(h.Ctx(), r.ID, dave)
			refuses(t, err, access.Conflict, "already")
			if h.MustView(r.ID).Refused {
				t.Error("the revocation shows a key that is free as refused")
			}
			h.MustRegister(carol, "stolen")
			h.VerifyAudit()
		})
	}
}

func TestNobodyFreesTheirOwnRevokedKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(bob, "lost")
	r := mustRevoke(h, workflow.RevokeAsk{Fingerprint: key.Fingerprint()})
	_, err := h.FreeKey(h.Ctx(), r.ID, bob)
	refuses(t, err, access.Forbidden, "another approver")
}

func TestKeyOfSomebodyWhoWasOffboardedNeedsAProof(t *testing.T) {
	t.Parallel()
	for name, removedBefore := range map[string]bool{"held to the end": false, "removed just before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			key := h.MustRegister(carol, "old laptop")
			if removedBefore {
				h.Must(h.RemoveKey(h.Ctx(), carol, key.Fingerprint()))
			}
			h.MustOffboard(carol)
			if left := fingerprintsOf(h, carol); len(left) != 0 {
				t.Errorf("carol still has %v", left)
			}
			mustProve(h, challenged(h, alice, "old laptop", workflow.ProofOffboarded), "old laptop")
			r := h.Ask(alice, time.Hour, "")
			if was := h.MustView(r.ID).FormerHolders[key.Fingerprint()]; was != carol {
				t.Errorf("the request says that it was %q's key, want carol's", was)
			}
			h.Approve(r.ID)
			if was := h.MustView(r.ID).FormerHolders[key.Fingerprint()]; was != carol {
				t.Errorf("once approved it says %q, want carol's", was)
			}
		})
	}
}

// Somebody who leaves may still hold the private half of a key that a colleague has now.
func TestOffboardingShowsKeysThatSomebodyElseHasNow(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(carol, "shared")
	h.MustRegister(carol, "own")
	h.Must(h.RemoveKey(h.Ctx(), carol, key.Fingerprint()))
	h.MustRegister(alice, "shared")
	off := h.MustOffboard(carol)
	if got := h.MustView(off.ID).Passed; len(got) != 1 || got[0].Fingerprint != key.Fingerprint() || got[0].Person != alice {
		t.Errorf("shown are %+v", got)
	}
	if got := fingerprintsOf(h, alice); len(got) != 1 {
		t.Errorf("alice has %v", got)
	}
	r := h.Ask(alice, time.Hour, "")
	if was := h.MustView(r.ID).FormerHolders[key.Fingerprint()]; was != carol {
		t.Errorf("her request says that it was %q's key", was)
	}
}

func TestWhoComesBackHasNoKeys(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.People.Set(alice, access.Deactivated)
	h.Must(h.AccountDeactivated(h.Ctx(), alice))
	h.People.Set(alice, access.Member)
	h.Must(h.AccountDeactivated(h.Ctx(), alice))
	h.Must(h.Eligible(h.Ctx(), alice))
	if left := fingerprintsOf(h, alice); len(left) != 0 {
		t.Errorf("alice has %v", left)
	}
	mustProve(h, challenged(h, alice, "alice laptop", workflow.ProofOffboarded), "alice laptop")
}

func TestTenKeysAPerson(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for i := range 10 {
		h.MustRegister(alice, fmt.Sprintf("key %d", i))
	}
	_, err := h.Register(h.Ctx(), alice, workflowtest.NewKey("one more"), "")
	refuses(t, err, access.Invalid, "10 keys")
	refuses(t, h.CheckKey(h.Ctx(), alice, workflowtest.NewKey("one more").Fingerprint()), access.Invalid, "10 keys")
	if again, err := h.Register(h.Ctx(), alice, workflowtest.NewKey("key 3"), ""); err != nil || again.Fresh {
		t.Errorf("one of the ten again: %+v, %v", again, err)
	}
	h.Must(h.RemoveKey(h.Ctx(), alice, workflowtest.NewKey("key 3").Fingerprint()))
	h.MustRegister(alice, "one more")
}

func TestKeyGoesToWhoProvesThatItIsTheirs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.MustRegister(carol, "alice laptop") // carol has seen the public half only
	own := h.MustRegister(alice, "alice phone")
	squat, running := h.Grant(carol, 10*time.Hour, "web-01"), h.Grant(alice, 10*time.Hour, "web-02")
	waiting := h.Ask(carol, time.Hour, "web-02")
	h.Work()
	before := h.Announced(waiting.ID)

	c := challenged(h, alice, "alice laptop", workflow.ProofHeld)
	for _, word := range []string{key.Fingerprint(), string(alice), "T0TEAM", c.Nonce, "ledger "} {
		if !strings.Contains(c.Text, word) {
			t.Errorf("the text to sign does not hold %q:\n%s", word, c.Text)
		}
	}
	if got := fingerprintsOf(h, carol); len(got) != 1 || h.MustView(squat.ID).Grant.State != access.Live {
		t.Fatal("a challenge alone has taken the key from carol")
	}
	mustProve(h, c, "alice laptop")
	h.Work()
	if g := h.MustView(squat.ID).Grant; g.State != access.Ended || g.EndReason != access.EndKeyLost {
		t.Errorf("carol's grant is %s, %s", g.State, g.EndReason)
	}
	if left := h.Account.Keys[1]; len(left) != 0 {
		t.Errorf("on carol's server there is still %+v", left)
	}
	if got := h.Account.Keys[2]; len(got) != 1 || got[0].PublicKey != own.Line(got[0].Label) || h.MustView(running.ID).Grant.State != access.Live {
		t.Errorf("the key has joined a running grant, or ended one: %+v", got)
	}
	if h.Announced(waiting.ID) == before {
		t.Error("carol's open request is not drawn anew")
	}
	var told []access.UserID
	for _, n := range h.Notices(access.NoticeKeyMoved) {
		told = append(told, n.To)
		if got := n.KeyMove(); got != (access.KeyMove{Fingerprint: key.Fingerprint(), From: carol, To: alice}) {
			t.Errorf("the notice tells %+v", got)
		}
	}
	if slices.Sort(told); !slices.Equal(told, []access.UserID{"", alice, carol}) {
		t.Errorf("told are %v", told)
	}
	h.Grant(alice, time.Hour, "web-01")
	h.Work()
	for _, line := range h.Account.Keys[1] {
		if owner, _, _ := access.LabelOwner(line.Label); owner != alice {
			t.Errorf("labelled as %s's: %s", owner, line.Label)
		}
	}
	h.VerifyAudit()
}

// The key is still on a server that is offline when its new owner is granted access there: it
// goes with the label of the former one, and comes back with that of its owner.
func TestKeyThatChangedHandsIsPlacedAnew(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(carol, "alice laptop")
	h.Grant(carol, 10*time.Hour, "")
	h.Work()
	mustProve(h, challenged(h, alice, "alice laptop", workflow.ProofHeld), "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Work()
	got := h.Account.Keys[1]
	if owner, _, _ := access.LabelOwner(got[0].Label); len(got) != 1 || owner != alice {
		t.Errorf("on the server %+v", got)
	}
	off := h.MustOffboard(carol)
	h.Work()
	h.Settled(t, off.ID, true, "nothing of carol's is left")
}

func TestProofIsGoodOnceInTimeAndForOnePerson(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(carol, "contested")
	prove := func(actor access.UserID, c access.Challenge, signature string, at time.Time) error {
		t.Helper()
		p := workflow.Proof{Actor: actor, Nonce: c.Nonce, Signature: signature, At: at}
		checked := h.CheckProof(h.Ctx(), p)
		_, err := h.Prove(h.Ctx(), p)
		if access.CodeOf(err) != access.Forbidden && access.CodeOf(checked) != access.CodeOf(err) {
			t.Errorf("the form says %v, the proof %v", checked, err)
		}
		return err
	}
	first := challenged(h, alice, "contested", workflow.ProofHeld)
	refuses(t, prove(carol, first, workflowtest.Signed(t, "contested", first.Text), time.Time{}), access.Conflict, "not open")
	others := challenged(h, dave, "contested", workflow.ProofHeld)
	refuses(t, prove(dave, others, workflowtest.Signed(t, "contested", first.Text), time.Time{}), access.Invalid, "another text")
	refuses(t, prove(alice, first, workflowtest.Signed(t, "another", first.Text), time.Time{}), access.Invalid, "another key")
	refuses(t, prove(alice, first, "", time.Time{}), access.Invalid, "no signature")

	newer := challenged(h, alice, "contested", workflow.ProofHeld)
	refuses(t, prove(alice, first, workflowtest.Signed(t, "contested", first.Text), time.Time{}), access.Conflict, "not open")
	refuses(t, prove(alice, newer, workflowtest.Signed(t, "contested", first.Text), time.Time{}), access.Invalid, "another text")
	sent := h.Clock.Now().Add(10*time.Minute - time.Second)
	h.Clock.Advance(10 * time.Minute)
	refuses(t, prove(alice, newer, workflowtest.Signed(t, "contested", newer.Text), time.Time{}), access.Conflict, "minutes")
	if len(fingerprintsOf(h, alice)) != 0 {
		t.Fatal("a wrong proof was taken")
	}
	_, err := h.Prove(h.Ctx(), workflow.Proof{Actor: alice, Nonce: newer.Nonce, Signature: workflowtest.Signed(t, "contested", newer.Text), At: sent})
	h.Must(err) // sent in time
	refuses(t, prove(alice, newer, workflowtest.Signed(t, "contested", newer.Text), sent), access.Conflict, "not open")
	h.People.Set(dave, access.Guest)
	refuses(t, prove(dave, others, workflowtest.Signed(t, "contested", others.Text), time.Time{}), access.Forbidden, "guests")
	if len(fingerprintsOf(h, alice)) != 1 || len(fingerprintsOf(h, carol)) != 0 {
		t.Errorf("alice has %v, carol %v", fingerprintsOf(h, alice), fingerprintsOf(h, carol))
	}
}

func TestProofDoesNotFreeARevokedKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(carol, "contested")
	c := challenged(h, alice, "contested", workflow.ProofHeld)
	mustRevoke(h, workflow.RevokeAsk{Fingerprint: key.Fingerprint()})
	_, err := h.Prove(h.Ctx(), workflow.Proof{Actor: alice, Nonce: c.Nonce, Signature: workflowtest.Signed(t, "contested", c.Text)})
	refuses(t, err, access.Conflict, "was revoked")
}

func TestEveryKeyIsProvedWhereTheTeamWantsThat(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "from before")
	h.Settings.ProveAlways = true
	mustProve(h, challenged(h, alice, "new", workflow.ProofAlways), "new")
	mustProve(h, challenged(h, alice, "from before", workflow.ProofAlways), "from before")
	if again, err := h.Register(h.Ctx(), alice, workflowtest.NewKey("new"), ""); err != nil || again.Fresh || again.Proof != "" {
		t.Errorf("a key that was proved: %+v, %v", again, err)
	}
	if got := fingerprintsOf(h, alice); len(got) != 2 {
		t.Errorf("registered are %v", got)
	}
}
