package access_test

import (
	"errors"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

func TestOwnAccessIsForAllAndOthersForApprovers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 12)
	h.register(alice, "alice laptop")
	h.register(carol, "carol laptop")
	h.grant(alice, 2*time.Hour, "web-*")
	h.grant(carol, 2*time.Hour, "web-01")
	h.ask(carol, time.Hour, "web-02")
	h.work()
	tests := []struct {
		actor, of access.UserID
		grants    int
		complete  bool
	}{
		{alice, "", 1, false}, {alice, alice, 1, false}, {bob, "", 2, true}, {bob, carol, 1, false}, {dave, dave, 0, false},
	}
	for _, tt := range tests {
		got, err := h.Access(h.ctx(), tt.actor, tt.of)
		if err != nil || len(got.Grants) != tt.grants || got.Complete != tt.complete {
			t.Errorf("%s of %q: %d grants, complete %v, %v", tt.actor, tt.of, len(got.Grants), got.Complete, err)
		}
	}
	_, err := h.Access(h.ctx(), alice, carol)
	refuses(t, err, access.Forbidden, "somebody else's access")
	all, err := h.Access(h.ctx(), bob, "")
	h.must(err)
	if g := all.Grants[0]; g.Servers != 12 || len(g.Names) != 10 || g.Placed != 12 || g.Wanted != 0 || g.Pattern != "web-*" || len(all.Waiting) != 1 {
		t.Errorf("shown %+v and %d waiting", g, len(all.Waiting))
	}
}

func TestKeysAreOnesOwnOrForApprovers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	key := h.register(alice, "alice laptop")
	for actor, of := range map[access.UserID]access.UserID{alice: "", bob: alice} {
		keys, err := h.Keys(h.ctx(), actor, of)
		if err != nil || len(keys) != 1 || keys[0].Fingerprint != key.Fingerprint() {
			t.Errorf("%s sees %+v, %v", actor, keys, err)
		}
	}
	_, err := h.Keys(h.ctx(), carol, alice)
	refuses(t, err, access.Forbidden, "somebody else's keys")
	refuses(t, h.RemoveKey(h.ctx(), carol, key.Fingerprint()), access.NotFound, "no key with that fingerprint")
}

func TestPendingAndServersAreForApprovers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "web-01")
	pending, err := h.PendingRequests(h.ctx(), bob)
	if err != nil || len(pending) != 1 || pending[0].Request.ID != r.ID || len(pending[0].Keys) != 1 {
		t.Errorf("pending %+v, %v", pending, err)
	}
	if found, err := h.FindServers(h.ctx(), bob, "web-0[12]"); access.CodeOf(err) != access.Invalid {
		t.Errorf("found %+v, %v", found, err)
	}
	for _, err := range []error{second(h.PendingRequests(h.ctx(), alice)), second(h.FindServers(h.ctx(), alice, ""))} {
		refuses(t, err, access.Forbidden, "Only an approver")
	}
}

func second[T any](_ T, err error) error { return err }

func TestDeactivationFollowsTheTeamsChoice(t *testing.T) {
	t.Parallel()
	for mode, want := range map[access.OffboardMode][]access.RequestState{
		access.OffboardRun: {access.Approved}, access.OffboardAsks: {access.Pending}, access.OffboardOff: nil,
	} {
		h := newHarness(t, 1)
		h.Settings.OffboardDeactivated = mode
		h.register(alice, "alice laptop")
		h.people.set(alice, access.Deactivated)
		h.must(h.FindLeavers(h.ctx()))
		h.must(h.FindLeavers(h.ctx()))
		var got []access.RequestState
		h.read(func(tx access.Tx) error {
			rs, err := tx.Requests(h.ctx(), access.RequestQuery{Kinds: []access.RequestKind{access.KindOffboard}})
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
	h.register(alice, "alice laptop")
	h.account.next = func(int64, bool) fault { return trouble }
	off := h.offboard(alice)
	h.work()
	h.account.next = nil
	h.must(h.WakeDue(h.ctx())) // not yet
	h.clock.Advance(time.Minute)
	h.must(h.WakeDue(h.ctx()))
	h.work()
	if v := h.view(off.ID); !v.Settled() {
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
