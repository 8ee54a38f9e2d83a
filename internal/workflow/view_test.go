package workflow_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
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
	h.MustRegister(alice, "alice laptop")
	first := h.Grant(alice, 5*time.Hour, "")
	h.Work()
	if v := h.MustView(first.ID); len(v.Revoked)+len(v.Changes) != 0 {
		t.Errorf("nothing has changed yet: revoked %v, by %v", v.Revoked, v.Changes)
	}
	more, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "more", Asker: alice, Person: alice, Duration: time.Hour})
	h.Must(err)
	h.Approve(more.ID)
	less, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "less", Asker: carol, Person: alice, Servers: "web-02"})
	h.Must(err)
	h.Approve(less.ID)
	h.Work()
	v := h.MustView(first.ID)
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
	lost := h.MustRegister(alice, "lost laptop")
	kept := h.MustRegister(alice, "good laptop")
	r := h.Grant(alice, 5*time.Hour, "")
	h.Work()
	h.Must(h.RemoveKey(h.Ctx(), alice, lost.Fingerprint()))
	v := h.MustView(r.ID)
	if len(v.Keys) != 1 || v.Keys[0].Fingerprint != kept.Fingerprint() || len(v.Revoked) != 0 {
		t.Errorf("keys %+v, revoked on %v; want the key that is left, on both servers", v.Keys, v.Revoked)
	}
}

func TestWaitingIsWhatOneAskedAndWhatIsAboutOne(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	h.Grant(alice, time.Hour, "")
	own := h.Ask(alice, 2*time.Hour, "")
	forCarol, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "for", Asker: alice, Person: carol, Duration: time.Hour})
	h.Must(err)
	against, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "against", Asker: carol, Person: alice})
	h.Must(err)
	for of, want := range map[access.UserID][]int64{
		alice: {own.ID, forCarol.ID, against.ID}, carol: {forCarol.ID, against.ID}, dave: nil,
	} {
		o, err := h.Access(h.Ctx(), of, of)
		h.Must(err)
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
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(bob, "bob laptop")
	own, others := h.Ask(bob, time.Hour, ""), h.Ask(alice, time.Hour, "")
	given, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "g", Asker: alice, Person: alice, Duration: 3 * time.Hour})
	h.Must(err)
	h.Approve(given.ID)
	pending, err := h.PendingRequests(h.Ctx(), bob, workflow.PageQuery{})
	h.Must(err)
	got := map[int64]bool{}
	for _, v := range pending.Views {
		got[v.Request.ID] = v.MayDecide
	}
	if diff := cmp.Diff(map[int64]bool{own.ID: false, others.ID: true, given.ID: false}, got); diff != "" {
		t.Errorf("bob may decide (-want +got):\n%s", diff)
	}
}

func TestOverlapsAreOnTheSameServersAndSayWhere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "web-01,web-02")
	h.Grant(alice, 2*time.Hour, "web-03")
	v := h.MustView(h.Ask(alice, 3*time.Hour, "web-02").ID)
	if len(v.Overlaps) != 1 || len(v.Overlaps[0].Names) != 2 {
		t.Errorf("overlaps %+v, want the grant on web-01 and web-02 alone", v.Overlaps)
	}
	off, err := h.Offboard(h.Ctx(), workflow.OffboardAsk{Source: "off", Asker: bob, Person: alice})
	h.Must(err)
	if v := h.MustView(off.ID); len(v.Overlaps) != 2 {
		t.Errorf("an offboarding ends %+v, want both", v.Overlaps)
	}
}

func TestChecksTellInAdvanceWhatWouldBeRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.Must(h.CheckServers(h.Ctx(), "web-9*")) // no server is known yet, so any may be there
	key := h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, 2*time.Hour, "web-01,web-02")
	live := h.Grant(alice, time.Hour, "web-03")
	h.People.Set(carol, access.Guest)
	edit := func(d *time.Duration, servers *string) error {
		return h.CheckEdit(h.Ctx(), workflow.Edit{RequestID: r.ID, Duration: d, Servers: servers})
	}
	extend := func(d time.Duration) error {
		return h.CheckExtend(h.Ctx(), workflow.ExtendAsk{Asker: alice, Person: alice, GrantID: live.GrantID, Duration: d})
	}
	h.Unchanged(t, func() {
		for _, err := range []error{
			h.CheckReceiver(h.Ctx(), dave), h.CheckServers(h.Ctx(), "web-*"), h.CheckServers(h.Ctx(), ""),
			h.CheckKey(h.Ctx(), alice, key.Fingerprint()), h.CheckKey(h.Ctx(), carol, workflowtest.NewKey("new").Fingerprint()),
			h.CheckKey(h.Ctx(), carol, key.Fingerprint()), // with a proof
			edit(new(time.Hour), nil), edit(nil, new("web-02")), extend(time.Hour),
		} {
			h.Must(err)
		}
		refuses(t, h.CheckReceiver(h.Ctx(), carol), access.Forbidden, "guests")
		refuses(t, h.CheckServers(h.Ctx(), "web-9*"), access.Invalid, "No server matches")
		refuses(t, edit(new(3*time.Hour), nil), access.Invalid, "only shorten")
		refuses(t, edit(nil, new("web-03")), access.Invalid, "No server matches")
		refuses(t, extend(40*24*time.Hour), access.Invalid, "longest grant")
	})
}

func TestSecondFailureIsNews(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(_ int64, write bool) workflowtest.Fault {
		if write {
			return workflowtest.Refuse
		}
		return workflowtest.NoFault
	}
	r := h.Grant(alice, time.Hour, "")
	h.Work()
	tell := func() {
		h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error { return tx.Tell(h.Ctx(), h.MustView(r.ID).Results) }))
	}
	tell()
	if _, err := h.RetryFailed(h.Ctx(), r.ID, bob); err != nil {
		t.Fatal(err)
	}
	h.Work()
	if last := h.MustView(r.ID).Results[0]; last.State != access.Failed || last.Told == access.Failed {
		t.Errorf("%s, told %s: the thread would not say that it failed again", last.State, last.Told)
	}
}
