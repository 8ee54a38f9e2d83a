package workflow_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// A request waits for a decision from when there is a key, and it counts once that it is over, also
// where several decide; what nobody decides has not waited for anybody.
func TestClosed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	var got []workflow.Closed
	h.Closed = func(c workflow.Closed) { got = append(got, c) }
	r := h.Ask(alice, 4*time.Hour, "")
	h.Pass(time.Hour)
	h.MustRegister(alice, "alice laptop")
	h.Pass(10 * time.Minute)
	h.Approve(r.ID)
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Deny})
	refuses(t, err, access.Conflict, "")

	h.MustRegister(carol, "carol laptop")
	denied := h.Ask(carol, time.Hour, "")
	h.Pass(time.Minute)
	if _, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: denied.ID, Actor: bob, Verdict: access.Deny, Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	h.Approve(h.Ask(carol, time.Hour, "").ID) // in the same instant
	h.Ask(carol, 2*time.Hour, "")
	h.Pass(h.Settings.RequestTTL)
	h.SweepAndWork()
	want := []workflow.Closed{
		{Kind: access.KindGrant, State: access.Approved, Decided: true, Waited: 10 * time.Minute},
		{Kind: access.KindGrant, State: access.Denied, Decided: true, Waited: time.Minute},
		{Kind: access.KindGrant, State: access.Approved, Decided: true},
		{Kind: access.KindGrant, State: access.Expired},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
