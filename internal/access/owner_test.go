package access_test

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// signed is what ssh-keygen would print for the key of that seed.
func signed(t fataler, seed, text string) string {
	t.Helper()
	bytes := make([]byte, ed25519.SeedSize)
	copy(bytes, seed)
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(bytes))
	if err != nil {
		t.Fatalf("%v", err)
	}
	signature, err := sshsig.Sign(strings.NewReader(text), signer, sshsig.HashSHA512, sshkey.Namespace)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(sshsig.Armor(signature))
}

// challenged has somebody try to register a key, and be asked for a proof.
func (h *harness) challenged(person access.UserID, seed string, why access.ProofCause) access.Challenge {
	h.t.Helper()
	out, err := h.Register(h.ctx(), person, newKey(seed), seed)
	h.must(err)
	if out.Proof != why || out.Fresh || out.Challenge.Nonce == "" {
		h.t.Fatalf("not asked for a proof because of %q: %+v", why, out)
	}
	return out.Challenge
}

func (h *harness) prove(c access.Challenge, seed string) {
	h.t.Helper()
	out, err := h.Prove(h.ctx(), access.Proof{Actor: c.Person, Nonce: c.Nonce, Signature: signed(h.t, seed, c.Text)})
	h.must(err)
	if !out.Fresh || out.Key.ProvedAt.IsZero() {
		h.t.Fatalf("not registered: %+v", out)
	}
}

// prints lists the fingerprints that somebody has registered.
func (h *harness) prints(person access.UserID) (all []string) {
	h.t.Helper()
	h.read(func(tx access.Tx) error {
		keys, err := tx.KeysOf(h.ctx(), person)
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
	key := h.register(carol, "shared")
	h.must(h.RemoveKey(h.ctx(), carol, key.Fingerprint()))
	h.register(alice, "shared")
	if got := h.prints(alice); !slices.Equal(got, []string{key.Fingerprint()}) || len(h.prints(carol)) != 0 {
		t.Errorf("alice has %v, carol %v", got, h.prints(carol))
	}
}

func TestRevokedKeyStaysRefusedUntilAnApproverFreesIt(t *testing.T) {
	t.Parallel()
	for name, registered := range map[string]bool{"somebody's": true, "nobody's": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			key := newKey("stolen")
			if registered {
				h.register(alice, "stolen")
			}
			r := h.revoke(access.RevokeAsk{Key: &key})
			refusedFor := func(people ...access.UserID) {
				t.Helper()
				for _, person := range people {
					_, err := h.Register(h.ctx(), person, key, "")
					refuses(t, err, access.Conflict, "was revoked")
					refuses(t, h.CheckKey(h.ctx(), person, key.Fingerprint()), access.Conflict, "was revoked")
				}
			}
			refusedFor(alice, carol)
			h.work()
			h.offboard(alice) // frees nothing
			refusedFor(carol)
			if !h.view(r.ID).Refused {
				t.Error("the revocation does not show that its key is refused")
			}
			_, err := h.FreeKey(h.ctx(), r.ID, carol)
			refuses(t, err, access.Forbidden, "Only an approver")
			_, err = h.FreeKey(h.ctx(), r.ID, dave)
			h.must(err)
			_, err = h.FreeKey(h.ctx(), r.ID, dave)
			refuses(t, err, access.Conflict, "already")
			if h.view(r.ID).Refused {
				t.Error("the revocation shows a key that is free as refused")
			}
			h.register(carol, "stolen")
			h.verifyAudit()
		})
	}
}

func TestNobodyFreesTheirOwnRevokedKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(bob, "lost")
	r := h.revoke(access.RevokeAsk{Fingerprint: key.Fingerprint()})
	_, err := h.FreeKey(h.ctx(), r.ID, bob)
	refuses(t, err, access.Forbidden, "another approver")
}

func TestKeyOfSomebodyWhoWasOffboardedNeedsAProof(t *testing.T) {
	t.Parallel()
	for name, removedBefore := range map[string]bool{"held to the end": false, "removed just before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			key := h.register(carol, "old laptop")
			if removedBefore {
				h.must(h.RemoveKey(h.ctx(), carol, key.Fingerprint()))
			}
			h.offboard(carol)
			if left := h.prints(carol); len(left) != 0 {
				t.Errorf("carol still has %v", left)
			}
			h.prove(h.challenged(alice, "old laptop", access.ProofOffboarded), "old laptop")
			r := h.ask(alice, time.Hour, "")
			if was := h.view(r.ID).Leavers[key.Fingerprint()]; was != carol {
				t.Errorf("the request says that it was %q's key, want carol's", was)
			}
			h.approve(r.ID)
			if was := h.view(r.ID).Leavers[key.Fingerprint()]; was != carol {
				t.Errorf("once approved it says %q, want carol's", was)
			}
		})
	}
}

// Somebody who leaves may still hold the private half of a key that a colleague has now.
func TestOffboardingShowsKeysThatSomebodyElseHasNow(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(carol, "shared")
	h.register(carol, "own")
	h.must(h.RemoveKey(h.ctx(), carol, key.Fingerprint()))
	h.register(alice, "shared")
	off := h.offboard(carol)
	if got := h.view(off.ID).Passed; len(got) != 1 || got[0].Fingerprint != key.Fingerprint() || got[0].Person != alice {
		t.Errorf("shown are %+v", got)
	}
	if got := h.prints(alice); len(got) != 1 {
		t.Errorf("alice has %v", got)
	}
	r := h.ask(alice, time.Hour, "")
	if was := h.view(r.ID).Leavers[key.Fingerprint()]; was != carol {
		t.Errorf("her request says that it was %q's key", was)
	}
}

func TestWhoComesBackHasNoKeys(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.people.set(alice, access.Deactivated)
	h.must(h.Left(h.ctx(), alice))
	h.people.set(alice, access.Member)
	h.must(h.Left(h.ctx(), alice))
	h.must(h.Eligible(h.ctx(), alice))
	if left := h.prints(alice); len(left) != 0 {
		t.Errorf("alice has %v", left)
	}
	h.prove(h.challenged(alice, "alice laptop", access.ProofOffboarded), "alice laptop")
}

func TestTenKeysAPerson(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for i := range 10 {
		h.register(alice, fmt.Sprintf("key %d", i))
	}
	_, err := h.Register(h.ctx(), alice, newKey("one more"), "")
	refuses(t, err, access.Invalid, "10 keys")
	refuses(t, h.CheckKey(h.ctx(), alice, newKey("one more").Fingerprint()), access.Invalid, "10 keys")
	if again, err := h.Register(h.ctx(), alice, newKey("key 3"), ""); err != nil || again.Fresh {
		t.Errorf("one of the ten again: %+v, %v", again, err)
	}
	h.must(h.RemoveKey(h.ctx(), alice, newKey("key 3").Fingerprint()))
	h.register(alice, "one more")
}

func TestKeyGoesToWhoProvesThatItIsTheirs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.register(carol, "alice laptop") // carol has seen the public half only
	own := h.register(alice, "alice phone")
	squat, running := h.grant(carol, 10*time.Hour, "web-01"), h.grant(alice, 10*time.Hour, "web-02")
	waiting := h.ask(carol, time.Hour, "web-02")
	h.work()
	before := h.view(waiting.ID).Drawing.Version

	c := h.challenged(alice, "alice laptop", access.ProofHeld)
	for _, word := range []string{key.Fingerprint(), string(alice), "T0TEAM", c.Nonce, "ledger "} {
		if !strings.Contains(c.Text, word) {
			t.Errorf("the text to sign does not hold %q:\n%s", word, c.Text)
		}
	}
	if got := h.prints(carol); len(got) != 1 || h.view(squat.ID).Grant.State != access.Live {
		t.Fatal("a challenge alone has taken the key from carol")
	}
	h.prove(c, "alice laptop")
	h.work()
	if g := h.view(squat.ID).Grant; g.State != access.Ended || g.EndReason != access.EndKeyLost {
		t.Errorf("carol's grant is %s, %s", g.State, g.EndReason)
	}
	if left := h.account.keys[1]; len(left) != 0 {
		t.Errorf("on carol's server there is still %+v", left)
	}
	if got := h.account.keys[2]; len(got) != 1 || got[0].PublicKey != own.Line(got[0].Label) || h.view(running.ID).Grant.State != access.Live {
		t.Errorf("the key has joined a running grant, or ended one: %+v", got)
	}
	if h.view(waiting.ID).Drawing.Version == before {
		t.Error("carol's open request is not drawn anew")
	}
	var told []access.UserID
	for _, n := range h.notices(access.NoticeKeyMoved) {
		told = append(told, n.To)
		if got := n.KeyMove(); got != (access.KeyMove{Fingerprint: key.Fingerprint(), From: carol, To: alice}) {
			t.Errorf("the notice tells %+v", got)
		}
	}
	if slices.Sort(told); !slices.Equal(told, []access.UserID{"", alice, carol}) {
		t.Errorf("told are %v", told)
	}
	h.grant(alice, time.Hour, "web-01")
	h.work()
	for _, line := range h.account.keys[1] {
		if owner, _, _ := access.LabelOwner(line.Label); owner != alice {
			t.Errorf("labelled as %s's: %s", owner, line.Label)
		}
	}
	h.verifyAudit()
}

// The key is still on a server that is offline when its new owner is granted access there: it
// goes with the label of the former one, and comes back with that of its owner.
func TestKeyThatChangedHandsIsPlacedAnew(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(carol, "alice laptop")
	h.grant(carol, 10*time.Hour, "")
	h.work()
	h.prove(h.challenged(alice, "alice laptop", access.ProofHeld), "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	h.work()
	got := h.account.keys[1]
	if owner, _, _ := access.LabelOwner(got[0].Label); len(got) != 1 || owner != alice {
		t.Errorf("on the server %+v", got)
	}
	off := h.offboard(carol)
	h.work()
	h.settled(t, off.ID, true, "nothing of carol's is left")
}

func TestProofIsGoodOnceInTimeAndForOnePerson(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(carol, "contested")
	prove := func(actor access.UserID, c access.Challenge, signature string, at time.Time) error {
		t.Helper()
		p := access.Proof{Actor: actor, Nonce: c.Nonce, Signature: signature, At: at}
		checked := h.CheckProof(h.ctx(), p)
		_, err := h.Prove(h.ctx(), p)
		if access.CodeOf(err) != access.Forbidden && access.CodeOf(checked) != access.CodeOf(err) {
			t.Errorf("the form says %v, the proof %v", checked, err)
		}
		return err
	}
	first := h.challenged(alice, "contested", access.ProofHeld)
	refuses(t, prove(carol, first, signed(t, "contested", first.Text), time.Time{}), access.Conflict, "not open")
	others := h.challenged(dave, "contested", access.ProofHeld)
	refuses(t, prove(dave, others, signed(t, "contested", first.Text), time.Time{}), access.Invalid, "another text")
	refuses(t, prove(alice, first, signed(t, "another", first.Text), time.Time{}), access.Invalid, "another key")
	refuses(t, prove(alice, first, "", time.Time{}), access.Invalid, "no signature")

	newer := h.challenged(alice, "contested", access.ProofHeld)
	refuses(t, prove(alice, first, signed(t, "contested", first.Text), time.Time{}), access.Conflict, "not open")
	refuses(t, prove(alice, newer, signed(t, "contested", first.Text), time.Time{}), access.Invalid, "another text")
	sent := h.clock.Now().Add(10*time.Minute - time.Second)
	h.clock.Advance(10 * time.Minute)
	refuses(t, prove(alice, newer, signed(t, "contested", newer.Text), time.Time{}), access.Conflict, "minutes")
	if len(h.prints(alice)) != 0 {
		t.Fatal("a wrong proof was taken")
	}
	_, err := h.Prove(h.ctx(), access.Proof{Actor: alice, Nonce: newer.Nonce, Signature: signed(t, "contested", newer.Text), At: sent})
	h.must(err) // sent in time
	refuses(t, prove(alice, newer, signed(t, "contested", newer.Text), sent), access.Conflict, "not open")
	h.people.set(dave, access.Guest)
	refuses(t, prove(dave, others, signed(t, "contested", others.Text), time.Time{}), access.Forbidden, "guests")
	if len(h.prints(alice)) != 1 || len(h.prints(carol)) != 0 {
		t.Errorf("alice has %v, carol %v", h.prints(alice), h.prints(carol))
	}
}

func TestProofDoesNotFreeARevokedKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(carol, "contested")
	c := h.challenged(alice, "contested", access.ProofHeld)
	h.revoke(access.RevokeAsk{Fingerprint: key.Fingerprint()})
	_, err := h.Prove(h.ctx(), access.Proof{Actor: alice, Nonce: c.Nonce, Signature: signed(t, "contested", c.Text)})
	refuses(t, err, access.Conflict, "was revoked")
}

func TestEveryKeyIsProvedWhereTheTeamWantsThat(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "from before")
	h.Settings.ProveAlways = true
	h.prove(h.challenged(alice, "new", access.ProofAlways), "new")
	h.prove(h.challenged(alice, "from before", access.ProofAlways), "from before")
	if again, err := h.Register(h.ctx(), alice, newKey("new"), ""); err != nil || again.Fresh || again.Proof != "" {
		t.Errorf("a key that was proved: %+v, %v", again, err)
	}
	if got := h.prints(alice); len(got) != 2 {
		t.Errorf("registered are %v", got)
	}
}
