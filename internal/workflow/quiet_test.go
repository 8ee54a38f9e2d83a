package workflow_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func TestQuietApproversAreMentionedByTheReminder(t *testing.T) {
	t.Parallel()
	const leads, empty = "S0LEADS", "S0EMPTY"
	type ids = []string
	for name, tc := range map[string]struct {
		loud, quiet     ids
		asker           access.UserID
		needed          int
		approved        access.UserID
		asked, reminded ids
	}{
		"no quiet ones":                          {loud: ids{"U0BOB", "U0DAVE"}, asker: alice, asked: ids{"U0BOB", "U0DAVE"}, reminded: ids{"U0BOB", "U0DAVE"}},
		"one of each":                            {loud: ids{"U0BOB"}, quiet: ids{"U0DAVE", leads}, asker: alice, asked: ids{"U0BOB"}, reminded: ids{"U0DAVE", leads}},
		"the only loud one asks":                 {loud: ids{"U0BOB"}, quiet: ids{"U0DAVE"}, asker: bob, asked: ids{"U0DAVE"}, reminded: ids{"U0DAVE"}},
		"the only member of the loud group asks": {loud: ids{leads}, quiet: ids{"U0DAVE"}, asker: carol, asked: ids{leads, "U0DAVE"}, reminded: ids{leads, "U0DAVE"}},
		"the loud group is empty":                {loud: ids{empty}, quiet: ids{"U0DAVE"}, asker: alice, asked: ids{empty, "U0DAVE"}, reminded: ids{empty, "U0DAVE"}},
		"a loud group":                           {loud: ids{leads}, quiet: ids{"U0DAVE"}, asker: alice, asked: ids{leads}, reminded: ids{"U0DAVE"}},
		"the quiet one asks":                     {loud: ids{"U0BOB"}, quiet: ids{"U0DAVE"}, asker: dave, asked: ids{"U0BOB"}, reminded: ids{"U0BOB"}},
		"two are needed, one is loud":            {loud: ids{"U0BOB"}, quiet: ids{"U0DAVE"}, asker: alice, needed: 2, asked: ids{"U0BOB", "U0DAVE"}, reminded: ids{"U0BOB", "U0DAVE"}},
		"one of two has approved":                {loud: ids{"U0BOB", "U0CAROL"}, quiet: ids{"U0DAVE"}, asker: alice, needed: 2, approved: bob, asked: ids{"U0CAROL"}, reminded: ids{"U0DAVE"}},
		"a quiet one has approved":               {loud: ids{"U0BOB", "U0CAROL"}, quiet: ids{"U0DAVE"}, asker: alice, needed: 2, approved: dave, asked: ids{"U0BOB", "U0CAROL"}, reminded: ids{"U0BOB", "U0CAROL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.SetDirectory(workflowtest.Grouped{People: h.People, MembersOf: map[string][]access.UserID{leads: {carol}, empty: nil}})
			h.Settings.Approvers, h.Settings.Quiet = append(tc.loud, tc.quiet...), tc.quiet
			h.Settings.Approvals = max(1, tc.needed)
			h.MustRegister(tc.asker, "laptop")
			r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: tc.asker, Person: tc.asker, Duration: time.Hour})
			h.Must(err)
			if tc.approved != "" {
				_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: tc.approved, Verdict: access.Approve})
				h.Must(err)
			}
			v, err := h.View(h.Ctx(), r.ID)
			h.Must(err)
			if diff := cmp.Diff([]ids{tc.asked, tc.reminded}, []ids{v.Asked(), v.Reminded()}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A quiet approver is one in every other respect.
func TestQuietApproverDecides(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.Quiet = []string{string(dave)}
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
	h.Must(err)
	if state := h.State(r.ID); state != access.Approved {
		t.Errorf("the request is %s", state)
	}
	_, err = h.PendingRequests(h.Ctx(), dave, workflow.PageQuery{})
	h.Must(err)
}
