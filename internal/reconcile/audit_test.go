package reconcile_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// auditLines lists «action from to» of the events about placements and narrowed grants.
func auditLines(h *harness) (lines []string) {
	h.T.Helper()
	for _, e := range h.VerifyAudit() {
		if strings.HasPrefix(string(e.Action), "placement.") || e.Action == access.DidGrantNarrow {
			lines = append(lines, string(e.Action)+" "+e.From+" "+e.To)
		}
	}
	return lines
}

func TestEveryMoveOfAKeyIsLogged(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	key := h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Sync(access.WorkAdd) // web-01 alone
	r, err := h.AskRevoke(h.Ctx(), workflow.RevokeAsk{Source: "r", Asker: bob, Person: alice, Servers: "*"})
	h.Must(err)
	_, err = h.Confirm(h.Ctx(), r.ID, bob, time.Time{})
	h.Must(err)
	h.Grant(alice, 2*time.Hour, "web-01")
	want := []string{
		"placement.placed unknown placed", "grant.narrow  revoked",
		"placement.leaving placed leaving", "placement.gone wanted gone", "placement.placed leaving placed",
	}
	if diff := cmp.Diff(want, auditLines(h)); diff != "" {
		t.Errorf("logged (-want +got):\n%s", diff)
	}
	for _, e := range h.VerifyAudit() {
		if e.Action == access.DidGrantNarrow && e.Detail != key.Fingerprint()+" no longer on servers [1 2]" {
			t.Errorf("narrowed: %q", e.Detail)
		}
	}
}

func TestKeysThatMoveTogetherAreOneEvent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 20)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 48*time.Hour, "")
	h.Work()
	h.Clock.Advance(11*time.Hour + 59*time.Minute)
	h.Must(h.Engine.Renew(h.Ctx()))
	if renewed := h.Events(access.DidPlacementLeaving); len(renewed) != 1 || !strings.HasSuffix(renewed[0].Detail, " on places 1-20") {
		t.Errorf("renewed: %+v", renewed)
	}

	h = newHarness(t, 20)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, 4*time.Hour, "")
	h.Work()
	names := maps.Clone(h.Account.Names)
	clear(h.Account.Names)
	h.Pass(6 * time.Hour)
	maps.Copy(h.Account.Names, names)
	before := len(h.Events(access.DidPlacementLeaving))
	_, err := h.Engine.Servers(h.Ctx(), 0, "")
	h.Must(err)
	if back := h.Events(access.DidPlacementLeaving)[before:]; len(back) != 1 || !strings.HasSuffix(back[0].Detail, " on places 1-20") {
		t.Errorf("back: %+v", back)
	}
}

func TestThatAServerTookAKeyWithItIsLogged(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	h.Grant(alice, time.Hour, "")
	h.Work()
	delete(h.Account.Names, 1)
	h.Pass(2 * time.Hour)
	events := h.VerifyAudit()
	if !slices.ContainsFunc(events, func(e access.Event) bool {
		return e.Action == access.DidPlacementGone && strings.HasSuffix(e.Detail, ": the server has left the account")
	}) {
		t.Errorf("logged %+v", events)
	}
}
