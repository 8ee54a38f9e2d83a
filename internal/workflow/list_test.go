package workflow_test

import (
	"errors"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestOwnAccessIsForAllAndOthersForApprovers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 12)
	h.MustRegister(alice, "alice laptop")
	h.MustRegister(carol, "carol laptop")
	h.Grant(alice, 2*time.Hour, "web-*")
	h.Grant(carol, 2*time.Hour, "web-01")
	h.Ask(carol, time.Hour, "web-02")
	h.Work()
	tests := []struct {
		actor, of access.UserID
		grants    int
		complete  bool
	}{
		{alice, "", 1, false}, {alice, alice, 1, false}, {bob, "", 2, true}, {bob, carol, 1, false}, {dave, dave, 0, false},
	}
	for _, tt := range tests {
		got, err := h.Access(h.Ctx(), tt.actor, tt.of)
		if err != nil || len(got.Grants) != tt.grants || got.Complete != tt.complete {
			t.Errorf("%s of %q: %d grants, complete %v, %v", tt.actor, tt.of, len(got.Grants), got.Complete, err)
		}
	}
	_, err := h.Access(h.Ctx(), alice, carol)
	refuses(t, err, access.Forbidden, "somebody else's access")
	all, err := h.Access(h.Ctx(), bob, "")
	h.Must(err)
	if g, other := all.Grants[0], all.Grants[1]; len(other.Names) != 1 || g.Servers != 12 || len(g.Names) != 0 || g.Placed != 12 || g.Wanted != 0 || g.Pattern != "web-*" || len(all.Waiting) != 1 {
		t.Errorf("shown %+v and %d waiting", g, len(all.Waiting))
	}
}

func TestKeysAreOnesOwnOrForApprovers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.MustRegister(alice, "alice laptop")
	for actor, of := range map[access.UserID]access.UserID{alice: "", bob: alice} {
		keys, err := h.Keys(h.Ctx(), actor, of)
		if err != nil || len(keys) != 1 || keys[0].Fingerprint != key.Fingerprint() {
			t.Errorf("%s sees %+v, %v", actor, keys, err)
		}
	}
	_, err := h.Keys(h.Ctx(), carol, alice)
	refuses(t, err, access.Forbidden, "somebody else's keys")
	refuses(t, h.RemoveKey(h.Ctx(), carol, key.Fingerprint()), access.NotFound, "no key with that fingerprint")
}

func TestPendingAndServersAreForApprovers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "web-01")
	pending, err := h.PendingRequests(h.Ctx(), bob, workflow.PageQuery{})
	if err != nil || pending.Total() != 1 || pending.Views[0].Request.ID != r.ID || len(pending.Views[0].Keys) != 1 {
		t.Errorf("pending %+v, %v", pending, err)
	}
	if found, err := h.FindServers(h.Ctx(), bob, "web-0[12]"); access.CodeOf(err) != access.Invalid {
		t.Errorf("found %+v, %v", found, err)
	}
	for _, err := range []error{second(h.PendingRequests(h.Ctx(), alice, workflow.PageQuery{})), second(h.FindServers(h.Ctx(), alice, ""))} {
		refuses(t, err, access.Forbidden, "Only an approver")
	}
}

func second[T any](_ T, err error) error { return err }

func TestDeactivationFollowsTheTeamsChoice(t *testing.T) {
	t.Parallel()
	for mode, want := range map[workflow.OffboardMode][]access.RequestState{
		workflow.OffboardRun: {access.Approved}, workflow.OffboardAsks: {access.Pending}, workflow.OffboardOff: nil,
	} {
		h := newHarness(t, 1)
		h.Settings.OffboardDeactivated = mode
		h.MustRegister(alice, "alice laptop")
		h.People.Set(alice, access.Deactivated)
		h.Must(h.FindDeactivated(h.Ctx()))
		h.Must(h.FindDeactivated(h.Ctx()))
		var got []access.RequestState
		h.Read(func(tx access.Tx) error {
			rs, err := tx.Requests(h.Ctx(), access.RequestQuery{Kinds: []access.RequestKind{access.KindOffboard}})
			for _, r := range rs {
				got = append(got, r.State)
			}
			return err
		})
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Errorf("%s: offboardings %v, want %v", mode, got, want)
		}
	}
}

func TestFailedInspectionIsTriedAgainByTheSweep(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Trouble }
	off := h.MustOffboard(alice)
	h.Work()
	h.Account.Next = nil
	h.Must(h.Engine.WakeDue(h.Ctx())) // not yet
	h.Clock.Advance(time.Minute)
	h.Must(h.Engine.WakeDue(h.Ctx()))
	h.Work()
	if v := h.MustView(off.ID); !v.Settled() {
		t.Errorf("results %+v", v.Results)
	}
}

func TestErrorsTellPersonAndLogApart(t *testing.T) {
	t.Parallel()
	stranger := errors.New("a stranger's words")
	cause := &access.Error{Code: access.RateLimited, Op: "add key", Message: "Too many.", RetryAfter: time.Minute, Err: stranger}
	if access.MessageOf(cause) != "Too many." || cause.Error() != "add key: Too many: a stranger's words" || access.RetryAfter(cause) != time.Minute {
		t.Errorf("%s / %s", access.MessageOf(cause), cause)
	}
	if err := stranger; access.CodeOf(err) != access.Internal || access.MessageOf(err) == err.Error() || access.RetryAfter(err) != 0 {
		t.Errorf("a stranger's error reaches the screen: %s", access.MessageOf(err))
	}
}
