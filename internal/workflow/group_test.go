package workflow_test

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// grouping is a directory whose user groups are as the test says.
type grouping struct {
	*workflowtest.People
	members []access.UserID
	err     error
	fresh   int // how often they were read anew
}

func (g *grouping) Members(_ context.Context, _ string, maxAge time.Duration) ([]access.UserID, error) {
	if maxAge == 0 {
		g.fresh++
	}
	return g.members, g.err
}

func newGrouping(t *testing.T, approvers ...string) (*harness, *grouping) {
	t.Helper()
	h := newHarness(t, 1)
	g := &grouping{People: h.People, members: []access.UserID{carol}}
	h.SetDirectory(g)
	h.Settings.Approvers = approvers
	h.MustRegister(alice, "alice laptop")
	return h, g
}

// A group that Slack refuses for good counts as empty and is told of once; whoever is
// named decides.
func TestRefusedGroupCountsAsEmpty(t *testing.T) {
	t.Parallel()
	for _, code := range []access.Code{access.NotFound, access.Forbidden} {
		h, g := newGrouping(t, string(bob), "S0OPS")
		g.err = &access.Error{Code: code, Message: "Slack knows no such user group."}
		for range 3 {
			h.Grant(alice, time.Hour, "")
			h.MustOffboard(dave)
			refuses(t, second(h.Access(h.Ctx(), carol, bob)), access.Forbidden, "approver")
		}
		if told := h.Notices(access.NoticeGroup); len(told) != 1 || told[0].Detail != "S0OPS Slack knows no such user group." {
			t.Errorf("told %+v", told)
		}
		g.err = nil
		if is, err := h.IsApprover(h.Ctx(), carol); !is || err != nil {
			t.Errorf("it is mended, and she is no approver: %v", err)
		}
		h.Clock.Advance(24 * time.Hour)
		g.err = &access.Error{Code: code, Message: "Slack knows no such user group."}
		if is, err := h.IsApprover(h.Ctx(), carol); is || err != nil || len(h.Notices(access.NoticeGroup)) != 2 {
			t.Errorf("it is refused again: %v, %v", is, err)
		}
	}
}

// While Slack cannot be asked, the last known members serve for looking and asking, and
// an approval waits; whoever is named needs no group.
func TestGroupThatCannotBeReadJustNow(t *testing.T) {
	t.Parallel()
	h, g := newGrouping(t, "S0OPS")
	r := h.Ask(alice, time.Hour, "")
	g.members, g.err = nil, &access.Error{Code: access.Unavailable, Message: "Slack does not answer."}
	if is, err := h.IsApprover(h.Ctx(), carol); !is || err != nil {
		t.Errorf("the last known members do not serve for looking: %v", err)
	}
	h.Ask(alice, 2*time.Hour, "")
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: carol, Verdict: access.Approve})
	if access.CodeOf(err) != access.Unavailable || h.State(r.ID) != access.Pending {
		t.Errorf("an approval does not wait: %v, %s", err, h.State(r.ID))
	}
	h.Settings.Approvers = []string{"S0NEW", string(bob)}
	if _, err := h.IsApprover(h.Ctx(), dave); access.CodeOf(err) != access.Unavailable {
		t.Errorf("a group that was never read must not pass for an empty one: %v", err)
	}
	h.Approve(r.ID)
}

// Somebody who was taken out of the group just now decides nothing.
func TestGroupIsReadAnewForAnApproval(t *testing.T) {
	t.Parallel()
	h, g := newGrouping(t, "S0OPS")
	r := h.Ask(alice, time.Hour, "")
	if g.fresh != 0 {
		t.Errorf("it was read anew %d times for a look", g.fresh)
	}
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: carol, Verdict: access.Approve})
	h.Must(err)
	if g.fresh != 1 {
		t.Errorf("it was read anew %d times for an approval", g.fresh)
	}
}

// The ledger belongs to the workspace, or the organisation, that it was first used in.
func TestLedgerIsBoundToItsWorkspace(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Must(h.BindWorkspace(h.Ctx(), "T1", ""))
	h.Must(h.BindWorkspace(h.Ctx(), "T1", "E1")) // it joined an organisation
	if err := h.BindWorkspace(h.Ctx(), "T2", "E1"); !workflow.IsOtherWorkspace(err) {
		t.Errorf("another workspace: %v", err)
	}
	if err := h.BindWorkspace(h.Ctx(), "T2", ""); !workflow.IsOtherWorkspace(err) || access.CodeOf(err) != access.Unauthorized {
		t.Errorf("another workspace: %v", err)
	}
	if n := len(h.Events(access.DidLedgerBind)); n != 1 {
		t.Errorf("it was bound %d times", n)
	}
	org := newHarness(t, 1)
	org.Must(org.BindWorkspace(org.Ctx(), "T1", "E1"))
	org.Must(org.BindWorkspace(org.Ctx(), "T2", "E1"))
	if err := org.BindWorkspace(org.Ctx(), "T1", "E2"); !workflow.IsOtherWorkspace(err) {
		t.Errorf("another organisation: %v", err)
	}
}
