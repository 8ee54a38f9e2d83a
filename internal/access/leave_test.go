package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// ecdsaPrefix is what RunCloud shows of every ecdsa-sha2-nistp256 key: nothing of the key.
const ecdsaPrefix = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNT..."

func (h *harness) offboard(person access.UserID) access.Request {
	h.t.Helper()
	r, err := h.Offboard(h.ctx(), access.OffboardAsk{Source: h.nextSource(), Asker: bob, Person: person, Reason: "left the company"})
	h.must(err)
	r, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
	h.must(err)
	return r
}

func TestOffboardingRemovesEverythingAndSaysWhatIsOwed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	key := h.register(alice, "alice laptop")
	h.grant(alice, 10*time.Hour, "")
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "root", Asker: alice, Person: alice, Duration: time.Hour, SystemUser: "root", Servers: "web-01"})
	h.must(err)
	h.approve(r.ID)
	h.work()
	pending := h.ask(alice, 3*time.Hour, "web-02")
	byHand := h.account.strange(2, "from long ago", "root", key.Authorized())
	stranger := h.account.strange(2, "backup", "root", newKey("somebody else").Authorized())
	h.account.offline[3] = true
	h.clock.Advance(6 * time.Minute) // the knowledge that it was online is too old

	off := h.offboard(alice)
	h.work()
	v := h.view(off.ID)
	if got := states(v, access.PhaseRemove); got[access.Done] != 3 || got[access.Waiting] != 1 {
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
	if got := h.view(pending.ID).Request.State; got != access.Cancelled {
		t.Errorf("the pending request is %s, want cancelled", got)
	}
	if _, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "again", Asker: carol, Person: alice, Duration: time.Hour}); access.CodeOf(err) != access.Forbidden {
		t.Errorf("a request can still name her: %v", err)
	}

	h.must(h.Pick(h.ctx(), off.ID, 2, byHand, bob))
	if err := h.Pick(h.ctx(), off.ID, 2, stranger, bob); access.CodeOf(err) != access.NotFound {
		t.Errorf("a key that is no candidate cannot be picked: %v", err)
	}
	h.account.offline[3] = false
	h.pass(20 * time.Minute)
	v = h.view(off.ID)
	if !v.Settled() || len(h.account.ours()) != 0 {
		t.Errorf("still owed: %+v, keys %v", v.Results, h.account.ours())
	}
	if keys := h.account.keys[2]; len(keys) != 1 || keys[0].ID != stranger {
		t.Errorf("on web-02: %+v, want the stranger's alone", keys)
	}
	h.verifyAudit()
}

func TestLeaversKeysAreFoundByWhatSlackCallsThem(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for _, label := range []string{"carol at home", "CAROL@laptop", "c.jones", "work of Jönes-Müller", "caroline", "jo", "deploy"} {
		h.account.strange(1, label, "runcloud", newKey(label).Authorized())
	}
	h.people.call(carol, "Carol Jönes (Jo)", "c.jones")
	off := h.offboard(carol)
	h.work()
	var got []string
	for _, c := range h.view(off.ID).Candidates {
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
	h.register(alice, "alice laptop")
	h.grant(alice, 10*time.Hour, "")
	h.work()
	for i := range 10 {
		h.account.strange(1, fmt.Sprintf("colleague %d", i), "runcloud", ecdsaPrefix)
	}
	// The leaver also had an ECDSA key that looks like all of theirs.
	h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error {
		return tx.SaveKey(h.ctx(), access.Key{Fingerprint: "SHA256:ecdsa", Person: alice, Type: "ecdsa-sha2-nistp256", Blob: "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA"})
	}))
	off := h.offboard(alice)
	h.work()
	v := h.view(off.ID)
	if !v.Settled() || len(h.account.ours()) != 0 {
		t.Errorf("not offboarded: %+v", v.Results)
	}
	if len(h.account.keys[1]) != 10 {
		t.Errorf("%d of ten colleagues' keys are left", len(h.account.keys[1]))
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
	h.register(alice, "alice laptop")
	h.grant(alice, 10*time.Hour, "")
	h.work()
	h.people.set(alice, access.Deactivated)
	h.must(h.FindLeavers(h.ctx()))
	h.must(h.Left(h.ctx(), alice))
	h.work()
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if got := h.offboardings(); len(got) != 1 || got[0].State != access.Approved {
		t.Errorf("offboardings %+v, want one", got)
	}
	h.people.set(carol, access.Deactivated)
	h.must(h.Left(h.ctx(), carol)) // the ledger holds nothing of hers
	if got := h.offboardings(); len(got) != 1 {
		t.Errorf("nothing of hers is known, yet %+v", got)
	}
}

func TestRevokeOneKeyOnSomeServers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	lost := h.register(alice, "lost laptop")
	h.register(alice, "good laptop")
	h.grant(alice, 10*time.Hour, "")
	h.work()
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: carol, Fingerprint: lost.Fingerprint(), Servers: "web-01,web-02"})
	h.must(err)
	if r.State != access.Pending {
		t.Fatalf("a colleague's revocation is %s, want it before the approvers", r.State)
	}
	h.work()
	if got := len(h.account.ours()); got != 6 {
		t.Fatalf("%d keys before the decision, want 6", got)
	}
	h.approve(r.ID)
	h.work()
	if got := h.account.ours(); len(got) != 4 || strings.Contains(strings.Join(got[:2], ""), lost.Blob) {
		t.Errorf("keys %v", got)
	}
}

func TestRevokePastedKeyNeedsAPersonsChoiceUnlessItIsProven(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := newKey("contractor")
	onFirst := h.account.strange(1, "contractor", "root", key.Authorized())
	h.account.strange(2, "other", "root", newKey("other").Authorized())
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: bob, Key: &key})
	h.must(err)
	_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
	h.must(err)
	h.work()
	v := h.view(r.ID)
	if len(v.Candidates) != 1 || v.Candidates[0].Credential.ID != onFirst || len(h.account.keys[1]) != 1 {
		t.Fatalf("candidates %+v, want the one that may be it, and nothing removed yet", v.Candidates)
	}
	h.must(h.Pick(h.ctx(), r.ID, 1, onFirst, dave))
	if err := h.Leave(h.ctx(), r.ID, 1, onFirst, bob); access.CodeOf(err) != access.Conflict {
		t.Errorf("what was chosen cannot be left any more: %v", err)
	}
	h.work()
	if len(h.account.keys[1]) != 0 || len(h.account.keys[2]) != 1 {
		t.Errorf("the chosen key must go and no other: %+v", h.account.keys)
	}

	h.account.complete = true // RunCloud shows complete keys
	h.account.strange(2, "contractor again", "root", key.Authorized()+" a comment")
	h.clock.Advance(time.Hour)
	r, err = h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r2", Asker: bob, Key: &key})
	h.must(err)
	_, err = h.Confirm(h.ctx(), r.ID, bob, time.Time{})
	h.must(err)
	h.work()
	if len(h.account.keys[2]) != 1 {
		t.Errorf("a proven key goes by itself: %+v", h.account.keys[2])
	}
}

func TestKeysThatAnApproverLeavesStayAndAreDecided(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "laptop")
	h.grant(alice, time.Hour, "")
	h.work()
	for server := range int64(2) {
		h.account.strange(server+1, "of "+string(alice[2:]), "root", newKey("one").Authorized())
		h.account.strange(server+1, "also "+string(alice[2:]), "root", newKey("two").Authorized())
	}
	off := h.offboard(alice)
	if _, err := h.LeaveRest(h.ctx(), off.ID, h.view(off.ID).OpenDigest(), bob); access.CodeOf(err) != access.Conflict {
		t.Errorf("nothing is left unseen while servers are read: %v", err)
	}
	h.work()
	v := h.view(off.ID)
	if v.Undecided() != 4 {
		t.Fatalf("undecided are %d of %+v, want 4", v.Undecided(), v.Candidates)
	}
	first := v.Candidates[0]
	if err := h.Leave(h.ctx(), off.ID, first.ServerID, first.Credential.ID, alice); access.CodeOf(err) != access.Forbidden {
		t.Errorf("only approvers decide: %v", err)
	}
	h.must(h.Leave(h.ctx(), off.ID, first.ServerID, first.Credential.ID, bob))
	for _, again := range []func(context.Context, int64, int64, int64, access.UserID) error{h.Leave, h.Pick} {
		err := again(h.ctx(), off.ID, first.ServerID, first.Credential.ID, dave)
		if e, ok := errors.AsType[*access.Error](err); !ok || e.Code != access.Conflict || e.Who != bob {
			t.Errorf("the second to decide is told who was first: %v", err)
		}
	}
	if _, err := h.LeaveRest(h.ctx(), off.ID, v.OpenDigest(), bob); access.CodeOf(err) != access.Conflict {
		t.Errorf("nothing is left that was not among those shown: %v", err)
	}
	h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error { // as many as were shown, but others
		one := v.Candidates[1]
		other := access.Candidate{RequestID: off.ID, ServerID: 1, ServerName: "web-01", Credential: access.Credential{ID: 999}}
		if _, err := tx.PickCandidate(h.ctx(), access.Candidate{RequestID: off.ID, ServerID: one.ServerID, Credential: one.Credential, PickedBy: bob, PickedAt: h.Now(), Spared: true}); err != nil {
			return err
		}
		return tx.SaveCandidates(h.ctx(), []access.Candidate{other})
	}))
	drawn := v
	drawn.Candidates[0].PickedBy = bob
	if _, err := h.LeaveRest(h.ctx(), off.ID, drawn.OpenDigest(), dave); access.CodeOf(err) != access.Conflict {
		t.Errorf("another key stays than was shown: %v", err)
	}
	n, err := h.LeaveRest(h.ctx(), off.ID, h.view(off.ID).OpenDigest(), dave)
	h.must(err)
	if n != 3 {
		t.Errorf("%d stay, want 3", n)
	}
	h.work()
	v = h.view(off.ID)
	if v.Undecided() != 0 || v.Candidates[1].PickedBy != bob || v.Candidates[4].PickedBy != dave || !v.Candidates[4].Spared {
		t.Errorf("candidates %+v", v.Candidates)
	}
	if keys := len(h.account.keys[1]) + len(h.account.keys[2]); keys != 4 {
		t.Errorf("%d keys are left, want the four that were to stay", keys)
	}
	h.verifyAudit()
}

func TestExtendMovesTheEndWithoutAGap(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	h.work()
	first := h.account.keys[1][0].ID
	if _, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "x", Asker: carol, Person: alice, Duration: time.Hour}); access.CodeOf(err) != access.Forbidden {
		t.Errorf("a bystander may not ask: %v", err)
	}
	_, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "s", Asker: alice, Person: alice, Duration: h.Settings.MinDuration - time.Second})
	refuses(t, err, access.Invalid, "too short")
	r, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "y", Asker: alice, Person: alice, Duration: 3 * time.Hour})
	h.must(err)
	h.approve(r.ID)
	h.pass(4 * time.Hour)
	if keys := h.account.keys[1]; len(keys) != 1 || keys[0].ID != first {
		t.Errorf("the key must stay as it is: %+v", keys)
	}
	h.pass(70 * time.Minute)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("after the new end: %v", left)
	}
	late, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "z", Asker: alice, Person: alice, Duration: time.Hour})
	if access.CodeOf(err) != access.NotFound {
		t.Errorf("an ended grant cannot be extended: %+v, %v", late, err)
	}
}

func TestRemovedKeyLeavesRunningGrants(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	old := h.register(alice, "old laptop")
	h.register(alice, "new laptop")
	h.grant(alice, 2*time.Hour, "")
	h.work()
	h.must(h.RemoveKey(h.ctx(), alice, old.Fingerprint()))
	h.work()
	for _, line := range h.account.ours() {
		if strings.Contains(line, old.Blob) {
			t.Errorf("a removed key stays: %s", line)
		}
	}
	if got := len(h.account.ours()); got != 2 {
		t.Errorf("%d keys, want the new laptop on both servers", got)
	}
}

func TestClockThatJumps(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	h.clock.Advance(-90 * time.Minute)
	h.must(h.Sweep(h.ctx()))
	h.work()
	h.pass(10 * time.Minute)
	h.clock.Advance(26 * time.Hour)
	h.must(h.Sweep(h.ctx()))
	h.pass(10 * time.Minute)
	h.clock.Advance(-25 * time.Hour)
	h.must(h.Sweep(h.ctx()))
	h.pass(20 * time.Minute)
	if left := h.account.ours(); len(left) != 0 {
		t.Errorf("a grant that has ended came back with the clock: %v", left)
	}
	h.verifyAudit()
}
