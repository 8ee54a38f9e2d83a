package access_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
)

func names(refs []access.ServerRef) (all []string) {
	for _, ref := range refs {
		all = append(all, ref.Name)
	}
	return all
}

func ids(all []access.Request) (numbers []int64) {
	for _, r := range all {
		numbers = append(numbers, r.ID)
	}
	return numbers
}

func TestRequestShowsWhatBecameOfItsGrant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	first := h.grant(alice, 5*time.Hour, "")
	h.work()
	if v := h.view(first.ID); len(v.Revoked)+len(v.Changes) != 0 {
		t.Errorf("nothing has changed yet: revoked %v, by %v", v.Revoked, v.Changes)
	}
	more, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: "more", Asker: alice, Person: alice, Duration: time.Hour})
	h.must(err)
	h.approve(more.ID)
	less, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "less", Asker: carol, Person: alice, Servers: "web-02"})
	h.must(err)
	h.approve(less.ID)
	h.work()
	v := h.view(first.ID)
	if diff := cmp.Diff([]string{"web-02"}, names(v.Revoked)); diff != "" {
		t.Errorf("revoked on (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{more.ID, less.ID}, ids(v.Changes)); diff != "" {
		t.Errorf("changed by (-want +got):\n%s", diff)
	}
}

func TestKeyThatWasTakenOffIsCoveredNoMore(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	lost := h.register(alice, "lost laptop")
	kept := h.register(alice, "good laptop")
	r := h.grant(alice, 5*time.Hour, "")
	h.work()
	h.must(h.RemoveKey(h.ctx(), alice, lost.Fingerprint()))
	v := h.view(r.ID)
	if len(v.Keys) != 1 || v.Keys[0].Fingerprint != kept.Fingerprint() || len(v.Revoked) != 0 {
		t.Errorf("keys %+v, revoked on %v; want the key that is left, on both servers", v.Keys, v.Revoked)
	}
}

func TestWaitingIsWhatOneAskedAndWhatIsAboutOne(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.register(carol, "carol laptop")
	h.grant(alice, time.Hour, "")
	own := h.ask(alice, 2*time.Hour, "")
	forCarol, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "for", Asker: alice, Person: carol, Duration: time.Hour})
	h.must(err)
	against, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "against", Asker: carol, Person: alice})
	h.must(err)
	for of, want := range map[access.UserID][]int64{
		alice: {own.ID, forCarol.ID, against.ID}, carol: {forCarol.ID, against.ID}, dave: nil,
	} {
		o, err := h.Access(h.ctx(), of, of)
		h.must(err)
		if diff := cmp.Diff(want, ids(o.Waiting)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", of, diff)
		}
	}
}

func TestPendingSaysWhatOneMayDecide(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Approvals = 2
	h.Settings.Approvers = []string{string(bob), string(carol), string(dave)}
	h.register(alice, "alice laptop")
	h.register(bob, "bob laptop")
	own, others := h.ask(bob, time.Hour, ""), h.ask(alice, time.Hour, "")
	given, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: "g", Asker: alice, Person: alice, Duration: 3 * time.Hour})
	h.must(err)
	h.approve(given.ID)
	pending, err := h.PendingRequests(h.ctx(), bob)
	h.must(err)
	got := map[int64]bool{}
	for _, v := range pending {
		got[v.Request.ID] = v.MayDecide
	}
	if diff := cmp.Diff(map[int64]bool{own.ID: false, others.ID: true, given.ID: false}, got); diff != "" {
		t.Errorf("bob may decide (-want +got):\n%s", diff)
	}
}

func TestOverlapsAreOnTheSameServersAndSayWhere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "web-01,web-02")
	h.grant(alice, 2*time.Hour, "web-03")
	v := h.view(h.ask(alice, 3*time.Hour, "web-02").ID)
	if len(v.Overlaps) != 1 || len(v.Overlaps[0].Names) != 2 {
		t.Errorf("overlaps %+v, want the grant on web-01 and web-02 alone", v.Overlaps)
	}
	off, err := h.Offboard(h.ctx(), access.OffboardAsk{Source: "off", Asker: bob, Person: alice})
	h.must(err)
	if v := h.view(off.ID); len(v.Overlaps) != 2 {
		t.Errorf("an offboarding ends %+v, want both", v.Overlaps)
	}
}

func TestChecksTellInAdvanceWhatWouldBeRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.must(h.CheckServers(h.ctx(), "web-9*")) // no server is known yet, so any may be there
	key := h.register(alice, "alice laptop")
	r := h.ask(alice, 2*time.Hour, "web-01,web-02")
	live := h.grant(alice, time.Hour, "web-03")
	h.people.set(carol, access.Guest)
	edit := func(d *time.Duration, servers *string) error {
		return h.CheckEdit(h.ctx(), access.Edit{RequestID: r.ID, Duration: d, Servers: servers})
	}
	extend := func(d time.Duration) error {
		return h.CheckExtend(h.ctx(), access.ExtendAsk{Asker: alice, Person: alice, GrantID: live.GrantID, Duration: d})
	}
	h.unchanged(t, func() {
		for _, err := range []error{
			h.CheckReceiver(h.ctx(), dave), h.CheckServers(h.ctx(), "web-*"), h.CheckServers(h.ctx(), ""),
			h.CheckKey(h.ctx(), alice, key.Fingerprint()), h.CheckKey(h.ctx(), carol, newKey("new").Fingerprint()),
			h.CheckKey(h.ctx(), carol, key.Fingerprint()), // with a proof
			edit(new(time.Hour), nil), edit(nil, new("web-02")), extend(time.Hour),
		} {
			h.must(err)
		}
		refuses(t, h.CheckReceiver(h.ctx(), carol), access.Forbidden, "guests")
		refuses(t, h.CheckServers(h.ctx(), "web-9*"), access.Invalid, "No server matches")
		refuses(t, edit(new(3*time.Hour), nil), access.Invalid, "only shorten")
		refuses(t, edit(nil, new("web-03")), access.Invalid, "No server matches")
		refuses(t, extend(40*24*time.Hour), access.Invalid, "longest grant")
	})
}

func TestSecondFailureIsNews(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.account.next = func(_ int64, write bool) fault {
		if write {
			return refuse
		}
		return noFault
	}
	r := h.grant(alice, time.Hour, "")
	h.work()
	tell := func() {
		h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error { return tx.Tell(h.ctx(), h.view(r.ID).Results) }))
	}
	tell()
	if _, err := h.RetryFailed(h.ctx(), r.ID, bob); err != nil {
		t.Fatal(err)
	}
	h.work()
	if last := h.view(r.ID).Results[0]; last.State != access.Failed || last.Told == access.Failed {
		t.Errorf("%s, told %s: the thread would not say that it failed again", last.State, last.Told)
	}
}
