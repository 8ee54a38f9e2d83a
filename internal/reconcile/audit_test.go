package reconcile_test

import (
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
