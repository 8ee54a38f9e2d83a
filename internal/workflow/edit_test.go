package workflow_test

import (
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func editAs(h *harness, id int64, d *time.Duration, servers *string) (access.Request, error) {
	return h.Edit(h.Ctx(), workflow.Edit{RequestID: id, Actor: bob, Duration: d, Servers: servers})
}

func TestEditShortensAndNarrowsAndKeepsWhatWasAsked(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, 10*time.Hour, "web-*")
	_, err := editAs(h, r.ID, new(8*time.Hour), nil)
	h.Must(err)
	servers := "web-02, #3"
	_, err = h.Edit(h.Ctx(), workflow.Edit{RequestID: r.ID, Actor: dave, Servers: &servers})
	h.Must(err)
	edited, err := editAs(h, r.ID, new(2*time.Hour), nil)
	h.Must(err)
	if edited.AskedDuration != 10*time.Hour || edited.AskedPattern != "web-*" || edited.ShortenedBy != bob || edited.NarrowedBy != dave {
		t.Errorf("what was asked is not kept: %+v", edited)
	}
	if edited.Duration != 2*time.Hour || edited.Pattern != "web-02, #3" || len(h.MustView(r.ID).Servers) != 2 {
		t.Errorf("edited to %+v", edited)
	}
	detail := ""
	for _, e := range h.VerifyAudit() {
		if e.Action == access.DidRequestEdit {
			detail = e.Detail
		}
	}
	if want := "8h0m0s on «web-02, #3» to 2h0m0s on «web-02, #3»"; detail != want {
		t.Errorf("the log says %q, want %q", detail, want)
	}
	h.Approve(r.ID) // who edited may decide
	h.Work()
	if got := h.Account.Ours(); len(got) != 2 || got[0][0] != '2' || got[1][0] != '3' {
		t.Errorf("placed %v, want on 2 and 3", got)
	}
	h.Pass(2 * time.Hour)
	if got := h.Account.Ours(); len(got) != 0 {
		t.Errorf("after two hours %v", got)
	}
}

func TestEditWidensNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 4)
	h.MustRegister(alice, "alice laptop")
	r := h.Ask(alice, 2*time.Hour, "web-01,web-02")
	tests := []struct {
		name     string
		duration *time.Duration
		servers  *string
		words    string
	}{
		{"longer", new(3 * time.Hour), nil, "only shorten"},
		{"shorter than the shortest grant", new(time.Minute), nil, "down to 5m"},
		{"for ever", new(time.Duration(0)), nil, "only shorten"},
		{"a server that was not asked", nil, new("web-03"), "No server matches"},
		{"one that was and one that was not", nil, new("web-01,web-03"), "No server matches `web-03`"},
		{"every server", nil, new(""), "changes nothing"},
		{"every server, in blanks", nil, new("  "), "changes nothing"},
		{"the same", new(2 * time.Hour), new("web-01,web-02"), "changes nothing"},
		{"nothing", nil, nil, "changes nothing"},
	}
	h.Unchanged(t, func() {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				_, err := editAs(h, r.ID, tt.duration, tt.servers)
				refuses(t, err, access.Invalid, tt.words)
			})
		}
	})
	v := h.MustView(r.ID)
	if v.Request.ShortenedBy+v.Request.NarrowedBy != "" || len(v.Servers) != 2 || v.Request.Pattern != "web-01,web-02" {
		t.Errorf("a refused edit changed %+v", v.Request)
	}
	_, err := editAs(h, r.ID, nil, new("web-*")) // those of the two that it names
	h.Must(err)
	if got := len(h.MustView(r.ID).Servers); got != 2 {
		t.Errorf("%d servers, want the two that were asked", got)
	}
}

func TestEditedRevocationStaysNarrow(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 5*time.Hour, "")
	h.Work()
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: carol, Person: alice, Servers: "web-01,web-02"})
	h.Must(err)
	_, err = editAs(h, r.ID, nil, new(""))
	refuses(t, err, access.Invalid, "changes nothing")
	h.Approve(r.ID)
	h.Work()
	if got := h.Account.Ours(); len(got) != 1 || got[0][0] != '3' {
		t.Errorf("left %v, want the key on web-03", got)
	}
}

func TestOnlyWhoMayDecideEdits(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: bob, Person: alice, Duration: 2 * time.Hour})
	h.Must(err)
	for _, actor := range []access.UserID{alice, bob, carol} {
		if _, err := h.Edit(h.Ctx(), workflow.Edit{RequestID: r.ID, Actor: actor, Duration: new(time.Hour)}); access.CodeOf(err) != access.Forbidden {
			t.Errorf("%s edits: %v", actor, err)
		}
	}
}

func TestEditShortensAGrantForEver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.AllowForever = true
	h.MustRegister(alice, "alice laptop")
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "s", Asker: alice, Person: alice, Forever: true})
	h.Must(err)
	_, err = editAs(h, r.ID, new(time.Hour), nil)
	h.Must(err)
	h.Approve(r.ID)
	live := h.Grants(access.GrantQuery{State: access.Live})
	if len(live) != 1 || !slices.ContainsFunc(live, func(g access.Grant) bool { return g.EndsAt.Sub(g.StartsAt) == time.Hour }) {
		t.Errorf("grants %+v, want one of an hour", live)
	}
}

func TestTwoExtensionsDoNotPassTheLongestGrant(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 20*24*time.Hour, "")
	var asked []access.Request
	for _, d := range []time.Duration{9 * 24 * time.Hour, 8 * 24 * time.Hour} {
		r, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: h.NextSource(), Asker: alice, Person: alice, Duration: d})
		h.Must(err)
		asked = append(asked, r)
	}
	h.Approve(asked[0].ID)
	_, err := h.Decide(h.Ctx(), workflow.Decision{RequestID: asked[1].ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Invalid, "longest grant, 30d")
	if h.State(asked[1].ID) != access.Pending {
		t.Errorf("the refused click decided: %s", h.State(asked[1].ID))
	}
}

func TestExtensionAsks(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.Settings.AllowForever = true
	h.MustRegister(alice, "alice laptop")
	first := h.Grant(alice, 5*time.Hour, "")
	second := h.Grant(alice, 3*time.Hour, "")
	forever, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: "f", Asker: alice, Person: alice, Forever: true})
	h.Must(err)
	h.Approve(forever.ID)
	next, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "1", Asker: alice, Person: alice, Duration: time.Hour})
	if err != nil || next.GrantID != second.GrantID {
		t.Errorf("%+v, %v, want the grant that ends next", next, err)
	}
	named, err := h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "2", Asker: alice, Person: alice, GrantID: first.GrantID, Duration: time.Hour})
	if err != nil || named.GrantID != first.GrantID {
		t.Errorf("%+v, %v, want the grant that was named", named, err)
	}
	_, err = h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "3", Asker: alice, Person: alice, GrantID: forever.ID + 2, Duration: time.Hour})
	refuses(t, err, access.NotFound, "no live access with an end")
	_, err = h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "4", Asker: alice, Person: alice})
	refuses(t, err, access.Invalid, "for how much longer")
	_, err = h.AskExtend(h.Ctx(), workflow.ExtendAsk{Source: "5", Asker: alice, Person: alice, Duration: 31 * 24 * time.Hour})
	refuses(t, err, access.Invalid, "longest grant, 30d")
	h.Clock.Advance(4 * time.Hour)
	_, err = h.Decide(h.Ctx(), workflow.Decision{RequestID: next.ID, Actor: bob, Verdict: access.Approve})
	refuses(t, err, access.Conflict, "") // what it was about has ended
}
