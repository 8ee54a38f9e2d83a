package workflow_test

import (
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// decideAsShown decides what a message showed that was drawn earlier.
func decideAsShown(h *harness, v workflow.RequestView, actor access.UserID, verdict access.Verdict) error {
	_, err := h.Service.Decide(h.Ctx(), workflow.Decision{RequestID: v.Request.ID, Shown: v.Facts.Digest(), Actor: actor, Verdict: verdict, Reason: "no"})
	return err
}

// changeOf returns how what was decided on differs from what is so.
func changeOf(t *testing.T, err error) access.FactsChange {
	t.Helper()
	refuses(t, err, access.Conflict, "has changed since")
	change := asError(t, err).Changed
	if change == nil {
		t.Fatalf("%v does not say what has changed", err)
	}
	return *change
}

func TestKeysThatWereNotShownAreNotApproved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	first := h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	drawn, announced := h.MustView(r.ID), h.Announced(r.ID)
	second := h.MustRegister(alice, "another")
	if h.Announced(r.ID) == announced {
		t.Error("the message is not drawn anew")
	}
	h.Must(h.RemoveKey(h.Ctx(), alice, first.Fingerprint()))
	for _, verdict := range []access.Verdict{access.Approve, access.Deny} {
		change := changeOf(t, decideAsShown(h, drawn, bob, verdict))
		if !slices.Equal(change.Was.Keys, []string{first.Fingerprint()}) || !slices.Equal(change.Now.Keys, []string{second.Fingerprint()}) {
			t.Errorf("changed from %v to %v", change.Was.Keys, change.Now.Keys)
		}
	}
	if got := h.MustView(r.ID).Request.State; got != access.Pending {
		t.Fatalf("the request is %s", got)
	}
	h.Must(decideAsShown(h, h.MustView(r.ID), bob, access.Approve))
	h.Work()
	if got, want := h.Account.Ours(), []string{"1 runcloud " + second.Blob, "2 runcloud " + second.Blob}; !slices.Equal(got, want) {
		t.Errorf("placed %v, want %v", got, want)
	}
	h.VerifyAudit()
}

func TestApprovalsOfOtherFactsAreVoid(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *harness, id int64){
		"key registered": func(h *harness, _ int64) { h.MustRegister(alice, "another") },
		"key removed": func(h *harness, _ int64) {
			h.Must(h.RemoveKey(h.Ctx(), alice, workflowtest.NewKey("alice second").Fingerprint()))
		},
		"edited": func(h *harness, id int64) {
			_, err := editAs(h, id, new(30*time.Minute), nil)
			h.Must(err)
		},
		"changed where nobody looked": func(h *harness, _ int64) {
			h.Must(h.Store.Update(h.Ctx(), func(tx access.Tx) error {
				key := workflowtest.NewKey("hidden")
				return tx.SaveKey(h.Ctx(), access.Key{Fingerprint: key.Fingerprint(), Person: alice, Type: key.Type, Blob: key.Blob, RegisteredAt: h.Now()})
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.Settings.Approvals, h.Settings.Approvers = 2, []string{string(bob), string(dave)}
			h.MustRegister(alice, "alice laptop")
			h.MustRegister(alice, "alice second")
			r := h.Ask(alice, time.Hour, "")
			drawn := h.MustView(r.ID)
			h.Must(decideAsShown(h, drawn, bob, access.Approve))
			change(h, r.ID)
			changeOf(t, decideAsShown(h, drawn, dave, access.Approve))
			if v := h.MustView(r.ID); len(v.Approvals) != 0 || v.Request.Facts != v.Facts.Digest() {
				t.Fatalf("approvals %+v of other facts count", v.Approvals)
			}
			if got := len(h.Notices(access.NoticeChanged)); got != 1 {
				t.Errorf("the approvers were told %d times", got)
			}
			h.Must(decideAsShown(h, h.MustView(r.ID), dave, access.Approve))
			if got := h.MustView(r.ID).Request.State; got != access.Pending {
				t.Fatalf("after one approval of what is asked now it is %s", got)
			}
			h.Must(decideAsShown(h, h.MustView(r.ID), bob, access.Approve))
			if got := h.MustView(r.ID).Request.State; got != access.Approved {
				t.Errorf("after two it is %s", got)
			}
			h.VerifyAudit()
		})
	}
}

func TestSecondExtensionIsNotAddedToAnEndNobodyWasShown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	end := h.Now().Add(2 * time.Hour)
	first, second := mustExtend(h, alice, 24*time.Hour), mustExtend(h, alice, 23*time.Hour)
	drawn, announced := h.MustView(second.ID), h.Announced(second.ID)
	h.Approve(first.ID)
	if h.Announced(second.ID) == announced {
		t.Error("the other extension is not drawn anew")
	}
	change := changeOf(t, decideAsShown(h, drawn, bob, access.Approve))
	if !change.Was.Until.Equal(end.Add(23*time.Hour)) || !change.Now.Until.Equal(end.Add(47*time.Hour)) {
		t.Errorf("from %v to %v", change.Was.Until, change.Now.Until)
	}
	h.Must(decideAsShown(h, h.MustView(second.ID), bob, access.Approve))
	if g := h.Grants(access.GrantQuery{})[0]; !g.EndsAt.Equal(end.Add(47 * time.Hour)) {
		t.Errorf("it ends %v", g.EndsAt)
	}
}

func mustExtend(h *harness, person access.UserID, d time.Duration) access.Request {
	h.T.Helper()
	r, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: h.NextSource(), Asker: person, Person: person, Duration: d})
	h.Must(err)
	return r
}

func TestExtensionIsClosedWithItsGrant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 2*time.Hour, "")
	r := mustExtend(h, alice, time.Hour)
	_, err := h.GiveBack(h.Ctx(), alice, 0, "given")
	h.Must(err)
	if r = h.MustView(r.ID).Request; r.State != access.Cancelled || r.Note == "" {
		t.Errorf("%+v", r)
	}
}

func TestButtonWithoutKnownFactsDecidesNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, time.Hour, "")
	for _, shown := range []string{"", "AAAAAAAAAAAAAAAAAAAAAA"} {
		_, err := h.Service.Decide(h.Ctx(), workflow.Decision{RequestID: r.ID, Shown: shown, Actor: bob, Verdict: access.Approve})
		refuses(t, err, access.Conflict, "no longer shows")
		_, err = h.Service.Edit(h.Ctx(), workflow.Edit{RequestID: r.ID, Shown: shown, Actor: bob, Duration: new(30 * time.Minute)})
		refuses(t, err, access.Conflict, "no longer shows")
	}
	if got := h.MustView(r.ID).Request; got.State != access.Pending || got.Duration != time.Hour {
		t.Errorf("%+v", got)
	}
}

// What ends access names a person or a key; that there is more to end than when it was
// drawn must not hold it up.
func TestRevocationIsNotHeldUpByNewKeysOrGrants(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "web-01")
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: carol, Person: alice})
	h.Must(err)
	drawn := h.MustView(r.ID)
	h.MustRegister(alice, "another")
	h.Grant(alice, time.Hour, "web-02")
	h.Must(decideAsShown(h, drawn, bob, access.Approve))
	h.Work()
	if got := h.Account.Ours(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

// The digest must be the same in every version: an upgrade may not void approvals.
func TestDigestOfFactsIsFixed(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, f := range map[string]access.Facts{
		"BvGcqcbZtu-P16U2N2EW7g": {Kind: access.KindGrant, Person: alice, Keys: []string{"SHA256:a", "SHA256:b"}, Servers: []int64{1, 2}, SystemUser: "runcloud", Duration: time.Hour},
		"7Vh3Z4kMn8bDZqK3q44hyw": {Kind: access.KindExtend, Person: alice, Keys: []string{"SHA256:a"}, Servers: []int64{1}, SystemUser: "root", Until: until},
		"2xds4JViNQDaQebPNYa_FQ": {Kind: access.KindRevoke, Person: alice, Fingerprint: "SHA256:a"},
	} {
		if got := f.Digest(); got != want {
			t.Errorf("%+v: %s, want %s", f, got, want)
		}
	}
}
