package workflow_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// ecdsaPrefix is what RunCloud shows of every ecdsa-sha2-nistp256 key: nothing of the key.
const ecdsaPrefix = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNT..."

// ecdsaKey returns an ECDSA key, always the same.
func ecdsaKey(t *testing.T) sshkey.Key {
	t.Helper()
	private, err := ecdh.P256().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	wire := ssh.Marshal(struct {
		Type, Curve string
		Point       []byte
	}{ssh.KeyAlgoECDSA256, "nistp256", private.PublicKey().Bytes()})
	key, err := sshkey.Parse(ssh.KeyAlgoECDSA256 + " " + base64.StdEncoding.EncodeToString(wire))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestOffboardingRemovesEverythingAndSaysWhatIsOwed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	key := h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "root", Asker: alice, Person: alice, Duration: time.Hour, SystemUser: "root", Servers: "web-01"})
	h.Must(err)
	h.Approve(r.ID)
	h.Work()
	pending := h.Ask(alice, 3*time.Hour, "web-02")
	byHand := h.Account.AddKey(2, "from long ago", "root", key.Authorized())
	stranger := h.Account.AddKey(2, "backup", "root", workflowtest.NewKey("somebody else").Authorized())
	h.Account.Offline[3] = true
	h.Clock.Advance(6 * time.Minute) // the knowledge that it was online is too old

	off := h.MustOffboard(alice)
	h.Work()
	v := h.MustView(off.ID)
	if got := workflowtest.States(v, access.PhaseRemove); got[access.Done] != 3 || got[access.Waiting] != 1 {
		t.Fatalf("removals %v, want three done and web-03 owed", got)
	}
	if v.Settled() {
		t.Errorf("it must not be settled while web-03 is owed")
	}
	if len(v.Candidates) != 1 || v.Candidates[0].Credential.ID != byHand {
		t.Fatalf("candidates %+v, want the key placed by hand alone", v.Candidates)
	}
	if len(v.Sessions) == 0 {
		t.Errorf("open sessions must be shown")
	}
	if got := h.MustView(pending.ID).Request.State; got != access.Cancelled {
		t.Errorf("the pending request is %s, want cancelled", got)
	}
	if _, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "again", Asker: carol, Person: alice, Duration: time.Hour}); access.CodeOf(err) != access.Forbidden {
		t.Errorf("a request can still name her: %v", err)
	}

	h.Must(h.Pick(h.Ctx(), off.ID, 2, byHand, bob))
	if err := h.Pick(h.Ctx(), off.ID, 2, stranger, bob); access.CodeOf(err) != access.NotFound {
		t.Errorf("a key that is no candidate cannot be picked: %v", err)
	}
	h.Account.Offline[3] = false
	h.Pass(20 * time.Minute)
	v = h.MustView(off.ID)
	if !v.Settled() || len(h.Account.Ours()) != 0 {
		t.Errorf("still owed: %+v, keys %v", v.Results, h.Account.Ours())
	}
	if keys := h.Account.Keys[2]; len(keys) != 1 || keys[0].ID != stranger {
		t.Errorf("on web-02: %+v, want the stranger's alone", keys)
	}
	h.VerifyAudit()
}

func TestLeaversKeysAreFoundByWhatSlackCallsThem(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for _, label := range []string{"carol at home", "CAROL@laptop", "c.jones", "work of Jönes-Müller", "caroline", "jo", "deploy"} {
		h.Account.AddKey(1, label, "runcloud", workflowtest.NewKey(label).Authorized())
	}
	h.People.Call(carol, "Carol Jönes (Jo)", "c.jones")
	off := h.MustOffboard(carol)
	h.Work()
	var got []string
	for _, c := range h.MustView(off.ID).Candidates {
		got = append(got, c.Credential.Label)
	}
	slices.Sort(got)
	if want := []string{"CAROL@laptop", "c.jones", "carol at home", "work of Jönes-Müller"}; !slices.Equal(got, want) {
		t.Errorf("offered %q, want %q", got, want)
	}
}

func TestColleaguesWithTheSamePrefixSurviveAnOffboarding(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	for i := range 10 {
		h.Account.AddKey(1, fmt.Sprintf("colleague %d", i), "runcloud", ecdsaPrefix)
	}
	// The leaver also had an ECDSA key that looks like all of theirs.
	h.Must(second(h.Register(h.Ctx(), alice, ecdsaKey(t), "")))
	off := h.MustOffboard(alice)
	h.Work()
	v := h.MustView(off.ID)
	if !v.Settled() || len(h.Account.Ours()) != 0 {
		t.Errorf("not offboarded: %+v", v.Results)
	}
	if len(h.Account.Keys[1]) != 10 {
		t.Errorf("%d of ten colleagues' keys are left", len(h.Account.Keys[1]))
	}
	if len(v.Candidates) != 10 {
		t.Errorf("%d keys to decide about", len(v.Candidates))
	}
	for _, c := range v.Candidates {
		if c.Why != access.WhyType {
			t.Errorf("a prefix that all keys of the type share was taken for more: %+v", c)
		}
	}
}

func TestDeactivationOffboardsOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	h.People.Set(alice, access.Deactivated)
	h.Must(h.FindDeactivated(h.Ctx()))
	h.Must(h.AccountDeactivated(h.Ctx(), alice))
	h.Work()
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if got := offboardings(h); len(got) != 1 || got[0].State != access.Approved {
		t.Errorf("offboardings %+v, want one", got)
	}
	h.People.Set(carol, access.Deactivated)
	h.Must(h.AccountDeactivated(h.Ctx(), carol)) // the ledger holds nothing of hers
	if got := offboardings(h); len(got) != 1 {
		t.Errorf("nothing of hers is known, yet %+v", got)
	}
}

func TestRevokeOneKeyOnSomeServers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	lost := h.MustRegister(alice, "lost laptop")
	h.MustRegister(alice, "good laptop")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: carol, Fingerprint: lost.Fingerprint(), Servers: "web-01,web-02"})
	h.Must(err)
	if r.State != access.Pending {
		t.Fatalf("a colleague's revocation is %s, want it before the approvers", r.State)
	}
	h.Work()
	if got := len(h.Account.Ours()); got != 6 {
		t.Fatalf("%d keys before the decision, want 6", got)
	}
	h.Approve(r.ID)
	h.Work()
	if got := h.Account.Ours(); len(got) != 4 || strings.Contains(strings.Join(got[:2], ""), lost.Blob) {
		t.Errorf("keys %v", got)
	}
}

func TestRevokePastedKeyNeedsAPersonsChoiceUnlessItIsProven(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := workflowtest.NewKey("contractor")
	onFirst := h.Account.AddKey(1, "contractor", "root", key.Authorized())
	h.Account.AddKey(2, "other", "root", workflowtest.NewKey("other").Authorized())
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Key: &key})
	h.Must(err)
	_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	h.Must(err)
	h.Work()
	v := h.MustView(r.ID)
	if len(v.Candidates) != 1 || v.Candidates[0].Credential.ID != onFirst || len(h.Account.Keys[1]) != 1 {
		t.Fatalf("candidates %+v, want the one that may be it, and nothing removed yet", v.Candidates)
	}
	h.Must(h.Pick(h.Ctx(), r.ID, 1, onFirst, dave))
	if err := h.Spare(h.Ctx(), r.ID, 1, onFirst, bob); access.CodeOf(err) != access.Conflict {
		t.Errorf("what was chosen cannot be left any more: %v", err)
	}
	h.Work()
	if len(h.Account.Keys[1]) != 0 || len(h.Account.Keys[2]) != 1 {
		t.Errorf("the chosen key must go and no other: %+v", h.Account.Keys)
	}

	h.Account.Complete = true // RunCloud shows complete keys
	h.Account.AddKey(2, "contractor again", "root", key.Authorized()+" a comment")
	h.Clock.Advance(time.Hour)
	r, err = h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r2", Asker: bob, Key: &key})
	h.Must(err)
	_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	h.Must(err)
	h.Work()
	if len(h.Account.Keys[2]) != 1 {
		t.Errorf("a proven key goes by itself: %+v", h.Account.Keys[2])
	}
}

func TestKeysThatAnApproverLeavesStayAndAreDecided(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	for server := range int64(2) {
		h.Account.AddKey(server+1, "of "+string(alice[2:]), "root", workflowtest.NewKey("one").Authorized())
		h.Account.AddKey(server+1, "also "+string(alice[2:]), "root", workflowtest.NewKey("two").Authorized())
	}
	off := h.MustOffboard(alice)
	if _, err := h.SpareRest(h.Ctx(), off.ID, openDigest(h.MustView(off.ID)), bob); access.CodeOf(err) != access.Conflict {
		t.Errorf("nothing is left unseen while servers are read: %v", err)
	}
	h.Work()
	v := h.MustView(off.ID)
	if v.Undecided() != 4 {
		t.Fatalf("undecided are %d of %+v, want 4", v.Undecided(), v.Candidates)
	}
	first := v.Candidates[0]
	if err := h.Spare(h.Ctx(), off.ID, first.ServerID, first.Credential.ID, alice); access.CodeOf(err) != access.Forbidden {
		t.Errorf("only approvers decide: %v", err)
	}
	h.Must(h.Spare(h.Ctx(), off.ID, first.ServerID, first.Credential.ID, bob))
	for _, again := range []func(context.Context, int64, int64, string, access.UserID) error{h.Spare, h.Pick} {
		err := again(h.Ctx(), off.ID, first.ServerID, first.Credential.ID, dave)
		if e, ok := errors.AsType[*access.Error](err); !ok || e.Code != access.Conflict || e.Who != bob {
			t.Errorf("the second to decide is told who was first: %v", err)
		}
	}
	if _, err := h.SpareRest(h.Ctx(), off.ID, openDigest(v), bob); access.CodeOf(err) != access.Conflict {
		t.Errorf("nothing is left that was not among those shown: %v", err)
	}
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error { // as many as were shown, but others
		one := v.Candidates[1]
		other := access.Candidate{RequestID: off.ID, ServerID: 1, ServerName: "web-01", Credential: access.Credential{ID: "999"}}
		if _, err := tx.PickCandidate(h.Ctx(), access.Candidate{RequestID: off.ID, ServerID: one.ServerID, Credential: one.Credential, PickedBy: bob, PickedAt: h.Now(), Spared: true}); err != nil {
			return err
		}
		return tx.SaveCandidates(h.Ctx(), []access.Candidate{other})
	}))
	drawn := v
	drawn.Candidates[0].PickedBy = bob
	if _, err := h.SpareRest(h.Ctx(), off.ID, openDigest(drawn), dave); access.CodeOf(err) != access.Conflict {
		t.Errorf("another key stays than was shown: %v", err)
	}
	n, err := h.SpareRest(h.Ctx(), off.ID, openDigest(h.MustView(off.ID)), dave)
	h.Must(err)
	if n != 3 {
		t.Errorf("%d stay, want 3", n)
	}
	h.Work()
	v = h.MustView(off.ID)
	if v.Undecided() != 0 || v.Candidates[1].PickedBy != bob || v.Candidates[4].PickedBy != dave || !v.Candidates[4].Spared {
		t.Errorf("candidates %+v", v.Candidates)
	}
	if keys := len(h.Account.Keys[1]) + len(h.Account.Keys[2]); keys != 4 {
		t.Errorf("%d keys are left, want the four that were to stay", keys)
	}
	h.VerifyAudit()
}

func TestExtendMovesTheEndWithoutAGap(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Work()
	first := h.Account.Keys[1][0].ID
	if _, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "x", Asker: carol, Person: alice, Duration: time.Hour}); access.CodeOf(err) != access.Forbidden {
		t.Errorf("a bystander may not ask: %v", err)
	}
	_, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "s", Asker: alice, Person: alice, Duration: h.Settings.MinDuration - time.Second})
	refuses(t, err, access.Invalid, "too short")
	r, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "y", Asker: alice, Person: alice, Duration: 3 * time.Hour})
	h.Must(err)
	h.Approve(r.ID)
	h.Pass(4 * time.Hour)
	if keys := h.Account.Keys[1]; len(keys) != 1 || keys[0].ID != first {
		t.Errorf("the key must stay as it is: %+v", keys)
	}
	h.Pass(70 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("after the new end: %v", left)
	}
	late, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "z", Asker: alice, Person: alice, Duration: time.Hour})
	if access.CodeOf(err) != access.NotFound {
		t.Errorf("an ended grant cannot be extended: %+v, %v", late, err)
	}
}

func TestRemovedKeyLeavesRunningGrants(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	old := h.MustRegister(alice, "old laptop")
	h.MustRegister(alice, "new laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Work()
	h.Must(h.RemoveKey(h.Ctx(), alice, old.Fingerprint()))
	h.Work()
	for _, line := range h.Account.Ours() {
		if strings.Contains(line, old.Blob) {
			t.Errorf("a removed key stays: %s", line)
		}
	}
	if got := len(h.Account.Ours()); got != 2 {
		t.Errorf("%d keys, want the new laptop on both servers", got)
	}
}

func TestClockThatJumps(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	h.Clock.Advance(-90 * time.Minute)
	h.Must(h.Sweep(h.Ctx()))
	h.Work()
	h.Pass(10 * time.Minute)
	h.Clock.Advance(26 * time.Hour)
	h.Must(h.Sweep(h.Ctx()))
	h.Pass(10 * time.Minute)
	h.Clock.Advance(-25 * time.Hour)
	h.Must(h.Sweep(h.Ctx()))
	h.Pass(20 * time.Minute)
	if left := h.Account.Ours(); len(left) != 0 {
		t.Errorf("a grant that has ended came back with the clock: %v", left)
	}
	h.VerifyAudit()
}
