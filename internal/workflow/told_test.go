package workflow_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// told lists who is to be told by notices of a kind, and of which request.
func told(h *harness, kind access.NoticeKind) (all []string) {
	for _, n := range h.Notices(kind) {
		all = append(all, string(n.To)+" "+access.NoticeKey("of", n.RequestID))
	}
	return all
}

// Whose access somebody else ends is told so once, however many grants it was in, and nobody of what they did
// themselves.
func TestEndsAreTold(t *testing.T) {
	t.Parallel()
	revoke := func(by, person access.UserID, servers string) func(h *harness) access.Request {
		return func(h *harness) access.Request {
			r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: h.NextSource(), Asker: by, Person: person, Servers: servers, Reason: "a lost laptop"})
			h.Must(err)
			if r.State == access.Draft {
				r, err = h.Confirm(h.Ctx(), r.ID, by, time.Time{})
				h.Must(err)
				return r
			}
			return h.Approve(r.ID)
		}
	}
	for name, tt := range map[string]struct {
		do   func(h *harness) access.Request
		want map[access.NoticeKind][]string
	}{
		"revoked by an approver": {revoke(bob, alice, ""), map[access.NoticeKind][]string{access.NoticeRevoked: {"U0ALICE of:3"}}},
		"a part is revoked":      {revoke(bob, alice, "web-01"), map[access.NoticeKind][]string{access.NoticeRevoked: {"U0ALICE of:3"}}},
		"revoked by a colleague": {revoke(carol, alice, ""), map[access.NoticeKind][]string{access.NoticeRevoked: {"U0ALICE of:3"}, access.NoticeDecided: {"U0CAROL of:3"}}},
		"by the person":          {revoke(alice, alice, ""), map[access.NoticeKind][]string{access.NoticeRevoked: {"U0ALICE of:3"}}},
		"given back": {func(h *harness) access.Request {
			_, err := h.GiveBack(h.Ctx(), alice, 0, "done")
			h.Must(err)
			return access.Request{}
		}, nil},
		"offboarded": {func(h *harness) access.Request { return h.MustOffboard(alice) }, nil},
		"its time is over": {func(h *harness) access.Request {
			h.Clock.Advance(24 * time.Hour)
			h.Must(h.Sweep(h.Ctx()))
			return access.Request{}
		}, map[access.NoticeKind][]string{access.NoticeEnded: {"U0ALICE of:1", "U0ALICE of:2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.MustRegister(alice, "alice laptop")
			h.Grant(alice, 12*time.Hour, "")
			h.Grant(alice, 12*time.Hour, "web-*")
			before := told(h, access.NoticeDecided)
			tt.do(h)
			for _, kind := range []access.NoticeKind{access.NoticeRevoked, access.NoticeEnded, access.NoticeDecided} {
				got := told(h, kind)
				if kind == access.NoticeDecided {
					got = got[len(before):]
				}
				if diff := cmp.Diff(tt.want[kind], got); diff != "" && len(tt.want[kind])+len(got) > 0 {
					t.Errorf("%s (-want +got):\n%s", kind, diff)
				}
			}
		})
	}
}

// Who asked for somebody who leaves is told what became of it; who leaves is not.
func TestRequestOfALeaverIsCancelledAutomatically(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "for alice", Asker: carol, Person: alice, Duration: time.Hour})
	h.Must(err)
	own := h.Ask(alice, time.Hour, "")
	h.MustOffboard(alice)
	if diff := cmp.Diff([]string{"U0CAROL " + access.NoticeKey("of", r.ID)}, told(h, access.NoticeDecided)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, id := range []int64{r.ID, own.ID} {
		if got := h.MustView(id).Request; got.State != access.Cancelled || got.Note != "@U0ALICE is being offboarded." {
			t.Errorf("it is %s: %s", got.State, got.Note)
		}
	}
}

// An approval is told after a while only: mostly the access is ready by then, which says more.
func TestApprovalIsToldLater(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	for _, n := range h.Queued() {
		if n.Kind == access.NoticeDecided && !n.NextAt.After(h.Clock.Now()) {
			t.Errorf("it is told at %s", n.NextAt)
		}
	}
	if len(told(h, access.NoticeDecided)) != 1 {
		t.Errorf("told: %v", told(h, access.NoticeDecided))
	}
}
