package workflow_test

import (
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// offboarded is an offboarding of alice that found a key whose label names her, and on each of the
// servers two that merely begin like one of hers.
func offboarded(t *testing.T, servers int) (*harness, access.Request) {
	t.Helper()
	h := newHarness(t, servers)
	h.MustRegister(alice, "alice laptop")
	h.Must(second(h.Register(h.Ctx(), alice, ecdsaKey(t), "")))
	h.Grant(alice, 10*time.Hour, "")
	h.Work()
	h.Account.AddKey(1, "sshkeybot g1 "+string(alice)+" alice", "root", workflowtest.NewKey("by hand").Authorized())
	for server := range int64(servers) {
		for i := range 2 {
			h.Account.AddKey(server+1, fmt.Sprintf("colleague %d", i), "runcloud", ecdsaPrefix)
		}
	}
	off := h.MustOffboard(alice)
	h.Work()
	return h, off
}

// undecidedEverywhere returns what an approver is shown to be decided about, and fails where two
// places differ.
func undecidedEverywhere(t *testing.T, h *harness) []workflow.UndecidedView {
	t.Helper()
	list, err := h.AccessPage(h.Ctx(), bob, "", workflow.PageQuery{})
	h.Must(err)
	pending, err := h.PendingRequests(h.Ctx(), bob, workflow.PageQuery{})
	h.Must(err)
	home, err := h.PersonView(h.Ctx(), bob)
	h.Must(err)
	daily, err := h.Summary(h.Ctx())
	h.Must(err)
	figures, err := h.Figures(h.Ctx())
	h.Must(err)
	for where, all := range map[string][]workflow.UndecidedView{"pending": pending.Undecided, "home": home.Team.Undecided, "daily": daily.Undecided} {
		if fmt.Sprint(all) != fmt.Sprint(list.Undecided) {
			t.Errorf("%s has %+v, list %+v", where, all, list.Undecided)
		}
	}
	keys, lookalikes := 0, 0
	for _, u := range list.Undecided {
		keys, lookalikes = keys+u.Keys+u.Tokens+u.Lookalikes, lookalikes+u.Lookalikes
	}
	if figures.Undecided != keys || figures.Lookalikes != lookalikes || list.ToDecide() != len(list.Undecided) || pending.ToDecide() != len(list.Undecided) {
		t.Errorf("counted are %+v, %d, %d", figures, list.ToDecide(), pending.ToDecide())
	}
	return list.Undecided
}

func TestUndecidedKeysStandEverywhereUntilTheyAreDecided(t *testing.T) {
	t.Parallel()
	h, off := offboarded(t, 3)
	v := h.MustView(off.ID)
	open, lookalikes := v.Open()
	if len(open) != 1 || len(lookalikes) != 6 || v.Undecided() != 7 || !v.Settled() || fmt.Sprint(v.Deciders) != fmt.Sprint(h.Settings.Approvers) {
		t.Fatalf("open %+v, lookalikes %+v, by %v", open, lookalikes, v.Deciders)
	}
	want := access.Undecided{RequestID: off.ID, Keys: 1, Lookalikes: 6, Servers: 3}
	if got := undecidedEverywhere(t, h); len(got) != 1 || got[0].Undecided != want || got[0].Request.ID != off.ID {
		t.Errorf("shown are %+v", got)
	}
	h.Must(h.Summarise(h.Ctx(), 0))
	h.Clock.Advance(24 * time.Hour)
	h.Must(h.Summarise(h.Ctx(), 0))
	if told := h.Notices(access.NoticeSummary); len(told) != 1 {
		t.Errorf("%d summaries", len(told))
	}

	n, err := h.SpareRest(h.Ctx(), off.ID, workflow.CandidatesDigest(lookalikes), bob)
	if h.Must(err); n != 6 {
		t.Errorf("%d lookalikes stay", n)
	}
	_, err = h.SpareRest(h.Ctx(), off.ID, workflow.CandidatesDigest(lookalikes), bob)
	refuses(t, err, access.Conflict, "not the same any more")
	want.Lookalikes, want.Servers = 0, 0
	if got := undecidedEverywhere(t, h); len(got) != 1 || got[0].Undecided != want {
		t.Errorf("shown are %+v", got)
	}
	h.Must(h.Pick(h.Ctx(), off.ID, open[0].ServerID, open[0].Credential.ID, bob))
	if got := undecidedEverywhere(t, h); len(got) != 0 {
		t.Errorf("shown are %+v", got)
	}
	h.Work()
	h.Clock.Advance(24 * time.Hour)
	h.Must(h.Summarise(h.Ctx(), 0))
	if told := h.Notices(access.NoticeSummary); len(told) != 1 {
		t.Errorf("%d summaries, though there is nothing to say", len(told))
	}
	h.VerifyAudit()
}

func TestLookalikesAreDecidedLikeTheOthers(t *testing.T) {
	t.Parallel()
	h, off := offboarded(t, 1)
	v, err := h.Candidates(h.Ctx(), bob, off.ID)
	h.Must(err)
	open, lookalikes := v.Open()
	if _, err := h.SpareRest(h.Ctx(), off.ID, openDigest(v), bob); err != nil {
		t.Fatal(err)
	}
	h.Must(h.Pick(h.Ctx(), off.ID, 1, lookalikes[0].Credential.ID, bob))
	h.Must(h.Spare(h.Ctx(), off.ID, 1, lookalikes[1].Credential.ID, dave))
	h.Work()
	left := map[string]bool{}
	for _, c := range h.Account.Keys[1] {
		left[c.ID] = true
	}
	if v := h.MustView(off.ID); v.Undecided() != 0 || len(left) != 2 || left[lookalikes[0].Credential.ID] || !left[open[0].Credential.ID] {
		t.Errorf("undecided %d, left %v", v.Undecided(), left)
	}
}

// Only approvers are shown what there is to decide about, and only that about whom they ask.
func TestUndecidedKeysAreForApprovers(t *testing.T) {
	t.Parallel()
	h, off := offboarded(t, 1)
	for _, tt := range []struct {
		actor, of access.UserID
		want      int
	}{{bob, "", 1}, {bob, alice, 1}, {bob, carol, 0}, {carol, "", 0}, {carol, carol, 0}} {
		page, err := h.AccessPage(h.Ctx(), tt.actor, tt.of, workflow.PageQuery{})
		h.Must(err)
		all, err := h.Access(h.Ctx(), tt.actor, tt.of)
		h.Must(err)
		if len(page.Undecided) != tt.want || page.ToDecide() != tt.want || len(all.Undecided) != tt.want {
			t.Errorf("%s of %q sees %+v, %+v", tt.actor, tt.of, page.Undecided, all.Undecided)
		}
	}
	home, err := h.PersonView(h.Ctx(), carol)
	if h.Must(err); len(home.Own.Undecided)+len(home.Team.Undecided) != 0 {
		t.Errorf("Carol sees %+v", home)
	}
	_, err = h.Candidates(h.Ctx(), carol, off.ID)
	refuses(t, err, access.Forbidden, "Only an approver")
}

// What is to be decided about is turned page by page with the rest, at 500 entries too.
func TestUndecidedKeysAreTurnedPageByPage(t *testing.T) {
	t.Parallel()
	h := crowded(t)
	var asked []int64
	h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
		for range 30 {
			r, _, err := tx.InsertRequest(h.Ctx(), access.Request{Kind: access.KindOffboard, State: access.Approved, Person: carol}, nil)
			if err != nil {
				return err
			}
			asked = append(asked, r.ID)
			if err := tx.SaveCandidates(h.Ctx(), []access.Candidate{{RequestID: r.ID, ServerID: 1, Why: access.WhyLabel, Credential: access.Credential{ID: "1"}}}); err != nil {
				return err
			}
		}
		return nil
	}))
	var listed, pending []int64
	for q := (workflow.PageQuery{}); ; {
		page, err := h.AccessPage(h.Ctx(), bob, "", q)
		h.Must(err)
		for _, u := range page.Undecided {
			listed = append(listed, u.Request.ID)
		}
		if q = (workflow.PageQuery{After: page.To}); page.Last == page.Total() {
			break
		}
	}
	for q := (workflow.PageQuery{}); ; {
		page, err := h.PendingRequests(h.Ctx(), bob, q)
		h.Must(err)
		for _, u := range page.Undecided {
			pending = append(pending, u.Request.ID)
		}
		if q = (workflow.PageQuery{After: page.To}); page.Last == page.Total() {
			break
		}
	}
	if fmt.Sprint(listed) != fmt.Sprint(asked) || fmt.Sprint(pending) != fmt.Sprint(asked) {
		t.Errorf("listed %v, pending %v, want %v", listed, pending, asked)
	}
}
