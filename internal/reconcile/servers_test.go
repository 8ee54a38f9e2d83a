package reconcile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
	"sshkeybot/internal/workflow/workflowtest"
)

// interleaved is a ledger on which something else happens once, right after the nth read.
type interleaved struct {
	access.Store
	nth  int
	then func()
}

func (l *interleaved) Read(ctx context.Context, fn func(access.Tx) error) error {
	err := l.Store.Read(ctx, fn)
	if l.nth--; l.nth == 0 {
		l.then()
	}
	return err
}

// Another replica stores the list of servers while somebody asks: what they are given is
// of one moment, after whichever read that happens.
func TestAskWhileAnotherReplicaReadsTheServers(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprintf("servers known %t", known), func(t *testing.T) {
			t.Parallel()
			nth := 1
			for asksInterleaved(t, known, nth) {
				nth++
			}
			if nth < 4 {
				t.Errorf("the other replica came between %d reads only", nth-1)
			}
		})
	}
}

// asksInterleaved asks for all servers while another replica reads their list after the
// nth read, and reports whether there were so many.
func asksInterleaved(t *testing.T, known bool, nth int) (came bool) {
	t.Helper()
	h := newHarness(t, 4)
	h.MustRegister(alice, "alice laptop")
	if known {
		readsServers(h)
		h.Clock.Advance(2 * time.Hour)
	}
	other := workflowtest.NewHarnessOn(t, h.Ledger, 0)
	other.SetTarget(h.Account)
	other.SetNow(h.Clock.Now)
	h.SetStore(&interleaved{Store: h.Ledger, nth: nth, then: func() {
		came = true
		h.Clock.Advance(time.Second)
		readsServers(other)
	}})
	r, err := h.AskGrant(h.Ctx(), workflow.GrantAsk{Source: h.NextSource(), Asker: alice, Person: alice, Duration: time.Hour})
	if err != nil {
		t.Fatalf("after read %d: %v", nth, err)
	}
	h.SetStore(h.Ledger)
	if v, err := h.View(h.Ctx(), r.ID); err != nil || len(v.Servers) != 4 {
		t.Errorf("after read %d: %d servers, %v, want 4", nth, len(v.Servers), err)
	}
	return came
}

// readsServers has this replica read the list of servers.
func readsServers(h *harness) {
	h.T.Helper()
	_, err := h.FindServers(h.Ctx(), bob, "")
	h.Must(err)
}
