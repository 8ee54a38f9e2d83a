package workflow_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// audit has everything read, and returns what was found.
func audit(h *harness, servers string) workflow.RequestView {
	h.T.Helper()
	r, err := h.AskAudit(h.Ctx(), workflow.AuditAsk{Source: h.NextSource(), Asker: bob, Servers: servers})
	h.Must(err)
	for range 10 {
		h.Must(h.ReadForAudits(h.Ctx()))
		h.Work()
	}
	return h.MustView(r.ID)
}

func choose(h *harness, v workflow.RequestView, digest string, actor access.UserID) workflow.FindingChoice {
	return workflow.FindingChoice{RequestID: v.Request.ID, Digest: digest, Actor: actor, Source: h.NextSource()}
}

// What nobody manages is grouped by label and visible key over all servers; what is kept is quiet
// until it changes; what is to be removed is decided by another approver, by id.
func TestAuditOfWhatNobodyManages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	for server := range int64(2) {
		plant(h, server+1, "ci", "runcloud")
	}
	plant(h, 2, "old admin", "root")
	v := audit(h, "")
	if v.Audit.Read != 3 || v.Audit.Moving != 0 || len(v.Audit.Groups) != 2 {
		t.Fatalf("found %+v", v.Audit)
	}
	root, ci := v.Audit.Groups[0], v.Audit.Groups[1]
	if root.Label != "old admin" || ci.Label != "ci" || len(ci.Servers) != 2 || !ci.New || !slices.Equal(root.Users, []string{"root"}) {
		t.Errorf("root's is not first, or not grouped: %+v", v.Audit.Groups)
	}
	h.Unchanged(t, func() {
		_, err := h.KeepFindings(h.Ctx(), choose(h, v, ci.Digest, alice))
		refuses(t, err, access.Forbidden, "approver")
		_, err = h.KeepFindings(h.Ctx(), choose(h, v, "another", bob))
		refuses(t, err, access.Conflict, "changed")
	})
	kept, err := h.KeepFindings(h.Ctx(), choose(h, v, ci.Digest, bob))
	h.Must(err)
	h.Clock.Advance(2 * time.Hour)
	plant(h, 3, "ci", "root") // the same label and beginning, and another credential
	v = audit(h, "")
	if kept != 2 || v.Audit.Kept != 2 || len(v.Audit.Groups) != 2 || v.Audit.Groups[0].Label != "ci" || !v.Audit.Groups[0].New || v.Audit.Groups[1].New {
		t.Errorf("kept %d, found %+v", kept, v.Audit)
	}

	asked, err := h.RemoveFindings(h.Ctx(), choose(h, v, root.Digest, bob))
	h.Must(err)
	_, err = h.RemoveFindings(h.Ctx(), choose(h, v, root.Digest, dave))
	refuses(t, err, access.Conflict, "changed")
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: asked.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Forbidden, "yourself")
	plant(h, 3, "old admin", "root")
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: asked.ID, Actor: dave, Verdict: access.Approve})
	h.Must(err)
	h.Pass(time.Minute)
	if done := h.MustView(asked.ID); !done.Settled() || len(done.Candidates) != 1 {
		t.Errorf("the removal: %+v", done.Results)
	}
	if left := labelsOn(h, 3); !slices.Contains(left, "old admin") || slices.Contains(labelsOn(h, 2), "old admin") {
		t.Errorf("left are %v and %v", labelsOn(h, 2), left)
	}
	h.VerifyAudit()
}

// What somebody deleted is placed again, or ended there, as an approver says; until then nothing
// is placed.
func TestAuditOfWhatSomebodyDeleted(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"placed again": true, "ended there": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			h.MustRegister(alice, "alice laptop")
			r := h.Grant(alice, 10*time.Hour, "")
			h.Work()
			h.Clock.Advance(time.Minute)
			h.Account.Keys[1] = nil
			v := audit(h, "")
			if len(v.Audit.Missing) != 1 || len(v.Audit.Missing[0].Servers) != 1 || v.Audit.Missing[0].Grant.RequestID != r.ID {
				t.Fatalf("missing are %+v", v.Audit.Missing)
			}
			h.Pass(time.Hour)
			view := h.MustView(r.ID)
			if len(h.Account.Keys[1]) != 0 || !slices.ContainsFunc(view.Results, func(r access.Result) bool {
				return r.ServerID == 1 && r.State == access.Failed && r.Problem == access.ProblemDeleted
			}) {
				t.Errorf("placed again by itself, or not said: %+v", view.Results)
			}
			_, err := h.RetryFailed(h.Ctx(), r.ID, alice)
			refuses(t, err, access.Conflict, "Nothing has failed")
			v = audit(h, "web-01")
			digest := v.Audit.Missing[0].Digest
			if again {
				_, err = h.PlaceAgain(h.Ctx(), choose(h, v, digest, bob))
			} else {
				_, err = h.EndThere(h.Ctx(), choose(h, v, digest, bob))
			}
			h.Must(err)
			h.Pass(time.Minute)
			if got := len(h.Account.Keys[1]) == 1; got != again || len(h.Account.Keys[2]) != 1 {
				t.Errorf("keys are %v and %v", h.Account.Keys[1], h.Account.Keys[2])
			}
			if v = audit(h, ""); len(v.Audit.Missing) != 0 {
				t.Errorf("still missing %+v", v.Audit.Missing)
			}
			h.Pass(11 * time.Hour)
			if left := h.Account.Ours(); len(left) != 0 {
				t.Errorf("at its end %v", left)
			}
			h.VerifyAudit()
		})
	}
}

// A renewal that finds its key deleted early asks, too; one that the account's own timer ended
// is placed anew.
func TestRenewalOfWhatSomebodyDeletedAsks(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, 48*time.Hour, "")
	h.Work()
	h.Pass(10*time.Hour + 45*time.Minute)
	h.Account.Keys[1] = nil
	h.Pass(2 * time.Hour)
	if len(h.Account.Keys[1]) != 0 || len(h.Account.Keys[2]) != 1 {
		t.Fatalf("keys are %v and %v", h.Account.Keys[1], h.Account.Keys[2])
	}
	v := audit(h, "")
	if len(v.Audit.Missing) != 1 || len(v.Audit.Missing[0].Servers) != 1 {
		t.Fatalf("missing are %+v", v.Audit.Missing)
	}
	_, err := h.RetryFailed(h.Ctx(), r.ID, bob) // an approver
	h.Must(err)
	h.Pass(time.Minute)
	if len(h.Account.Keys[1]) != 1 {
		t.Error("it was not placed again")
	}
	h.VerifyAudit()
}

// A key that the ledger holds to be gone is removed, and that is said.
func TestAuditRemovesWhatIsOver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r := h.Grant(alice, time.Hour, "")
	h.Work()
	was := h.Account.Keys[1][0]
	h.Pass(2 * time.Hour)
	byID, byLabel, copied := was, was, was
	byLabel.ID = "2001"
	copied.ID, copied.PublicKey = "2002", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb copied"
	h.Account.Keys[1] = append(h.Account.Keys[1], byLabel, copied)
	v := audit(h, "")
	h.Pass(time.Minute)
	if got := labelsOn(h, 1); len(got) != 1 || len(v.Audit.Unknown) != 1 || len(v.Audit.Groups) != 0 {
		t.Errorf("left are %v, found %+v", got, v.Audit)
	}
	h.Account.Keys[1] = append(h.Account.Keys[1], byID)
	h.Clock.Advance(2 * time.Hour)
	v = audit(h, "")
	h.Pass(time.Minute)
	v = h.MustView(v.Request.ID)
	if got := labelsOn(h, 1); len(got) != 1 || !slices.ContainsFunc(v.Results, func(r access.Result) bool { return r.Phase == access.PhaseRemove && r.State == access.Done }) {
		t.Errorf("left are %v, said %+v", got, v.Results)
	}
	if !h.MustView(r.ID).Settled() {
		t.Error("the grant is not settled again")
	}
	h.VerifyAudit()
}

// The weekly audit is shown only where it found something that is new or undecided, once a week.
func TestWeeklyAuditTellsWhatIsUndecided(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	weekly := func() (shown int) {
		h.Must(h.AuditWeekly(h.Ctx(), h.Now().Weekday(), 0))
		h.Must(h.AuditWeekly(h.Ctx(), h.Now().Weekday(), 0))
		for range 3 {
			h.Must(h.ReadForAudits(h.Ctx()))
			h.Work()
		}
		h.Read(func(tx access.Tx) error {
			audits, err := tx.Requests(h.Ctx(), access.RequestQuery{Kinds: []access.RequestKind{access.KindAudit}})
			for _, r := range audits {
				if h.IsDrawn(r.ID) {
					shown++
				}
			}
			return err
		})
		return shown
	}
	if shown := weekly(); shown != 0 {
		t.Errorf("an audit on the day of the installation: %d", shown)
	}
	next := func() { h.Clock.Advance(7 * 24 * time.Hour) }
	next()
	if shown := weekly(); shown != 0 {
		t.Errorf("shown though it found nothing: %d", shown)
	}
	plant(h, 1, "ci", "runcloud")
	next()
	if shown := weekly(); shown != 1 {
		t.Errorf("%d shown, want the one that found something", shown)
	}
	next()
	if shown := weekly(); shown != 2 {
		t.Errorf("%d shown, want again while it is undecided", shown)
	}
	v := audit(h, "")
	_, err := h.KeepFindings(h.Ctx(), choose(h, v, v.Audit.Groups[0].Digest, bob))
	h.Must(err)
	next()
	if shown := weekly(); shown != 3 {
		t.Errorf("%d shown, want none for what is kept", shown)
	}
}

// An audit of a large account costs one list for each server, and shows what a person can decide:
// few groups, however many copies they have.
func TestAuditOfALargeAccount(t *testing.T) {
	t.Parallel()
	const servers, foreign, different = 500, 12, 20
	h := newHarness(t, servers)
	for server := range int64(servers) {
		for i := range foreign {
			label := fmt.Sprintf("agency %d", (int(server)+i)%different)
			h.Account.Keys[server+1] = append(h.Account.Keys[server+1], access.Credential{
				ID: fmt.Sprint(10_000 + int(server)*foreign + i), Label: label, SystemUser: []string{"root", "runcloud"}[i%2], PublicKey: workflowtest.NewKey(label).Line(label), CreatedAt: h.Now(), Temporary: new(bool),
			})
		}
	}
	h.Work()
	lists := h.Account.Lists
	r, err := h.AskAudit(h.Ctx(), workflow.AuditAsk{Source: "audit", Asker: bob})
	h.Must(err)
	for h.MustView(r.ID).Audit.Moving > 0 {
		h.Must(h.ReadForAudits(h.Ctx()))
	}
	v := h.MustView(r.ID)
	copies := 0
	for _, g := range v.Audit.Groups {
		copies += len(g.Findings)
	}
	if got := h.Account.Lists - lists; got != servers || len(v.Audit.Groups) != different || copies != servers*foreign {
		t.Errorf("%d lists, %d groups with %d copies", got, len(v.Audit.Groups), copies)
	}
	kept, err := h.KeepFindings(h.Ctx(), choose(h, v, v.Audit.Groups[0].Digest, bob))
	h.Must(err)
	if kept != copies/different {
		t.Errorf("%d are kept", kept)
	}
}
