package workflow_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

func askPurge(h *harness, asker access.UserID, user, servers string) (access.Request, error) {
	return h.AskPurge(h.Ctx(), workflow.PurgeAsk{Source: h.NextSource(), Asker: asker, SystemUser: user, Servers: servers})
}

// plant puts a key on a server by hand, and returns its id.
func plant(h *harness, server int64, label, user string) string {
	h.T.Helper()
	c, err := h.Account.Add(h.Ctx(), strconv.FormatInt(server, 10), access.Credential{Label: label, SystemUser: user, PublicKey: workflowtest.NewKey(label).Line(label)})
	h.Must(err)
	return c.ID
}

func labelsOn(h *harness, server int64) (labels []string) {
	for _, c := range h.Account.Keys[server] {
		labels = append(labels, c.Label)
	}
	slices.Sort(labels)
	return labels
}

// A purge removes exactly what was shown, whoever placed it, ends the live access of that user,
// and leaves and names what came since; keys of other users stay.
func TestPurgeRemovesTheListThatWasShown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.Settings.SystemUsers = append(h.Settings.SystemUsers, "root")
	h.MustRegister(alice, "alice laptop")
	root, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "root", Asker: alice, Person: alice, Duration: 10 * time.Hour, SystemUser: "root", Servers: "web-01"})
	h.Must(err)
	h.Approve(root.ID)
	h.Grant(alice, 10*time.Hour, "web-01")
	plant(h, 1, "old admin", "root")
	plant(h, 2, "agency", "root")
	plant(h, 2, "deploy", "runcloud")
	h.Work()
	r, err := askPurge(h, bob, "root", "")
	h.Must(err)
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "still reading")
	h.Work()
	v := h.MustView(r.ID)
	if len(v.Candidates) != 3 || v.Undecided() != 0 || len(v.Overlaps) != 1 {
		t.Fatalf("listed are %+v, access that ends %+v", v.Candidates, v.Overlaps)
	}
	h.Unchanged(t, func() {
		_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: bob, Verdict: access.Approve})
		refuses(t, err, access.Forbidden, "yourself")
		refuses(t, h.Pick(h.Ctx(), r.ID, 2, v.Candidates[0].Credential.ID, dave), access.NotFound, "")
	})
	plant(h, 3, "came since", "root")
	h.Account.Offline[2] = true
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
	h.Must(err)
	h.Pass(10 * time.Minute)
	if got := labelsOn(h, 1); len(got) != 1 || h.Grants(access.GrantQuery{RequestID: root.ID})[0].EndReason != access.EndPurged {
		t.Errorf("web-01 has %v", got)
	}
	if v = h.MustView(r.ID); v.Settled() || !slices.Equal(labelsOn(h, 2), []string{"agency", "deploy"}) {
		t.Errorf("settled while web-02 is offline, with %v", labelsOn(h, 2))
	}
	h.Account.Offline[2] = false
	h.Pass(time.Hour)
	if v = h.MustView(r.ID); !v.Settled() || !slices.Equal(labelsOn(h, 2), []string{"deploy"}) || !slices.Equal(labelsOn(h, 3), []string{"came since"}) {
		t.Errorf("settled %v, left %v and %v", v.Settled(), labelsOn(h, 2), labelsOn(h, 3))
	}
	var since []string
	for _, c := range v.Candidates {
		if c.Why == access.WhySince {
			since = append(since, c.Credential.Label)
		}
	}
	if !slices.Equal(since, []string{"came since"}) || v.Undecided() != 0 {
		t.Errorf("named as newer are %v", since)
	}
	h.VerifyAudit()
}

// A server that cannot be read is not among what is decided, and nothing is removed there.
func TestPurgeLeavesWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	plant(h, 1, "read", "root")
	plant(h, 2, "unread", "root")
	h.Account.Next = func(server int64, write bool) workflowtest.Fault {
		if server == 2 && !write {
			return workflowtest.Trouble
		}
		return workflowtest.NoFault
	}
	r, err := askPurge(h, bob, "root", "")
	h.Must(err)
	h.Work()
	h.Account.Next = nil
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve})
	h.Must(err)
	h.Pass(time.Hour)
	if len(labelsOn(h, 1)) != 0 || len(labelsOn(h, 2)) != 1 {
		t.Errorf("left are %v and %v", labelsOn(h, 1), labelsOn(h, 2))
	}
}

// What is found after the approver looked is another list than the one that they decide about.
func TestPurgeIsDecidedAboutTheListThatWasShown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	plant(h, 1, "one", "root")
	plant(h, 2, "two", "root")
	blind := true
	h.Account.Next = func(server int64, write bool) workflowtest.Fault {
		if blind && server == 2 && !write {
			return workflowtest.Trouble
		}
		return workflowtest.NoFault
	}
	r, err := askPurge(h, bob, "root", "")
	h.Must(err)
	h.Work()
	shown := h.MustView(r.ID).Facts.Digest()
	blind = false
	h.Pass(time.Minute)
	_, err = h.Service.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Approve, Shown: shown})
	refuses(t, err, access.Conflict, "")
	if len(labelsOn(h, 1))+len(labelsOn(h, 2)) != 2 {
		t.Error("something was removed")
	}
}

// Nobody may purge alone, and a purge that is denied reads nothing more.
func TestPurgeIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	plant(h, 1, "one", "root")
	h.Unchanged(t, func() {
		_, err := askPurge(h, alice, "root", "")
		refuses(t, err, access.Forbidden, "approver")
		_, err = askPurge(h, bob, "Root; rm", "")
		refuses(t, err, access.Invalid, "Linux user")
		_, err = askPurge(h, bob, "root", "nothing-*")
		refuses(t, err, access.Invalid, "matches")
	})
	h.Settings.Approvers, h.Settings.SelfApproval = []string{string(bob)}, true
	_, err := askPurge(h, bob, "root", "")
	refuses(t, err, access.Forbidden, "Nobody is left")
	h.Settings.Approvers = []string{string(bob), string(dave)}
	r, err := askPurge(h, bob, "root", "")
	h.Must(err)
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Actor: dave, Verdict: access.Deny, Reason: "no"})
	h.Must(err)
	h.Work()
	if v := h.MustView(r.ID); !v.Settled() || len(v.Candidates) != 0 || len(labelsOn(h, 1)) != 1 {
		t.Errorf("after the denial: %+v, %v", v.Results, labelsOn(h, 1))
	}
}
