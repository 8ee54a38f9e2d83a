package access_test

import (
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// decideAsShown decides what a message showed that was drawn earlier.
func (h *harness) decideAsShown(v access.RequestView, actor access.UserID, verdict access.Verdict) error {
	_, err := h.Service.Decide(h.ctx(), access.Decision{RequestID: v.Request.ID, Shown: v.Facts.Digest(), Actor: actor, Verdict: verdict, Reason: "no"})
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

func (h *harness) version(id int64) int64 { return h.view(id).Drawing.Version }

func TestKeysThatWereNotShownAreNotApproved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	first := h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	drawn := h.view(r.ID)
	second := h.register(alice, "another")
	if h.version(r.ID) == drawn.Drawing.Version {
		t.Error("the message is not drawn anew")
	}
	h.must(h.RemoveKey(h.ctx(), alice, first.Fingerprint()))
	for _, verdict := range []access.Verdict{access.Approve, access.Deny} {
		change := changeOf(t, h.decideAsShown(drawn, bob, verdict))
		if !slices.Equal(change.Was.Keys, []string{first.Fingerprint()}) || !slices.Equal(change.Now.Keys, []string{second.Fingerprint()}) {
			t.Errorf("changed from %v to %v", change.Was.Keys, change.Now.Keys)
		}
	}
	if got := h.view(r.ID).Request.State; got != access.Pending {
		t.Fatalf("the request is %s", got)
	}
	h.must(h.decideAsShown(h.view(r.ID), bob, access.Approve))
	h.work()
	if got, want := h.account.ours(), []string{"1 runcloud " + second.Blob, "2 runcloud " + second.Blob}; !slices.Equal(got, want) {
		t.Errorf("placed %v, want %v", got, want)
	}
	h.verifyAudit()
}

func TestApprovalsOfOtherFactsAreVoid(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *harness, id int64){
		"key registered": func(h *harness, _ int64) { h.register(alice, "another") },
		"key removed": func(h *harness, _ int64) {
			h.must(h.RemoveKey(h.ctx(), alice, newKey("alice second").Fingerprint()))
		},
		"edited": func(h *harness, id int64) {
			_, err := h.edit(id, new(30*time.Minute), nil)
			h.must(err)
		},
		"changed where nobody looked": func(h *harness, _ int64) {
			h.must(h.Store.Update(h.ctx(), func(tx access.Tx) error {
				key := newKey("hidden")
				return tx.SaveKey(h.ctx(), access.Key{Fingerprint: key.Fingerprint(), Person: alice, Type: key.Type, Blob: key.Blob, RegisteredAt: h.Now()})
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 1)
			h.Settings.Approvals, h.Settings.Approvers = 2, []string{string(bob), string(dave)}
			h.register(alice, "alice laptop")
			h.register(alice, "alice second")
			r := h.ask(alice, time.Hour, "")
			drawn := h.view(r.ID)
			h.must(h.decideAsShown(drawn, bob, access.Approve))
			change(h, r.ID)
			changeOf(t, h.decideAsShown(drawn, dave, access.Approve))
			if v := h.view(r.ID); len(v.Approvals) != 0 || v.Request.Facts != v.Facts.Digest() {
				t.Fatalf("approvals %+v of other facts count", v.Approvals)
			}
			if got := h.queued(access.NoticeChanged); got != 1 {
				t.Errorf("the approvers were told %d times", got)
			}
			h.must(h.decideAsShown(h.view(r.ID), dave, access.Approve))
			if got := h.view(r.ID).Request.State; got != access.Pending {
				t.Fatalf("after one approval of what is asked now it is %s", got)
			}
			h.must(h.decideAsShown(h.view(r.ID), bob, access.Approve))
			if got := h.view(r.ID).Request.State; got != access.Approved {
				t.Errorf("after two it is %s", got)
			}
			h.verifyAudit()
		})
	}
}

// queued counts the notices of a kind that wait to be sent.
func (h *harness) queued(kind access.NoticeKind) (count int) {
	h.must(h.Store.Read(h.ctx(), func(tx access.Tx) error {
		count = 0
		due, err := tx.DueNotices(h.ctx(), h.Now().Add(time.Hour))
		for _, id := range due {
			n, err := tx.Notice(h.ctx(), id)
			if err != nil {
				return err
			}
			if n.Kind == kind {
				count++
			}
		}
		return err
	}))
	return count
}

func TestSecondExtensionIsNotAddedToAnEndNobodyWasShown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	end := h.Now().Add(2 * time.Hour)
	first, second := h.extend(alice, 24*time.Hour), h.extend(alice, 23*time.Hour)
	drawn := h.view(second.ID)
	h.approve(first.ID)
	if h.version(second.ID) == drawn.Drawing.Version {
		t.Error("the other extension is not drawn anew")
	}
	change := changeOf(t, h.decideAsShown(drawn, bob, access.Approve))
	if !change.Was.Until.Equal(end.Add(23*time.Hour)) || !change.Now.Until.Equal(end.Add(47*time.Hour)) {
		t.Errorf("from %v to %v", change.Was.Until, change.Now.Until)
	}
	h.must(h.decideAsShown(h.view(second.ID), bob, access.Approve))
	if g := h.grants(access.GrantQuery{})[0]; !g.EndsAt.Equal(end.Add(47 * time.Hour)) {
		t.Errorf("it ends %v", g.EndsAt)
	}
}

func (h *harness) extend(person access.UserID, d time.Duration) access.Request {
	h.t.Helper()
	r, err := h.AskExtend(h.ctx(), access.ExtendAsk{Source: h.nextSource(), Asker: person, Person: person, Duration: d})
	h.must(err)
	return r
}

func TestExtensionIsClosedWithItsGrant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	h.grant(alice, 2*time.Hour, "")
	r := h.extend(alice, time.Hour)
	_, err := h.GiveBack(h.ctx(), alice, 0, "given")
	h.must(err)
	if r = h.view(r.ID).Request; r.State != access.Cancelled || r.Note == "" {
		t.Errorf("%+v", r)
	}
}

func TestButtonWithoutKnownFactsDecidesNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.register(alice, "alice laptop")
	r := h.ask(alice, time.Hour, "")
	for _, shown := range []string{"", "AAAAAAAAAAAAAAAAAAAAAA"} {
		_, err := h.Service.Decide(h.ctx(), access.Decision{RequestID: r.ID, Shown: shown, Actor: bob, Verdict: access.Approve})
		refuses(t, err, access.Conflict, "no longer shows")
		_, err = h.Service.Edit(h.ctx(), access.Edit{RequestID: r.ID, Shown: shown, Actor: bob, Duration: new(30 * time.Minute)})
		refuses(t, err, access.Conflict, "no longer shows")
	}
	if got := h.view(r.ID).Request; got.State != access.Pending || got.Duration != time.Hour {
		t.Errorf("%+v", got)
	}
}

// What ends access names a person or a key; that there is more to end than when it was
// drawn must not hold it up.
func TestRevocationIsNotHeldUpByNewKeysOrGrants(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	h.register(alice, "alice laptop")
	h.grant(alice, time.Hour, "web-01")
	r, err := h.AskRevoke(h.ctx(), access.RevokeAsk{Source: "r", Asker: carol, Person: alice})
	h.must(err)
	drawn := h.view(r.ID)
	h.register(alice, "another")
	h.grant(alice, time.Hour, "web-02")
	h.must(h.decideAsShown(drawn, bob, access.Approve))
	h.work()
	if got := h.account.ours(); len(got) != 0 {
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
