package access_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
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
	h.register(alice, "alice laptop")
	if known {
		h.readsServers()
		h.clock.Advance(2 * time.Hour)
	}
	other := newHarnessOn(t, h.ledger, 0)
	other.Target, other.Now = h.account, h.clock.Now
	h.Store = &interleaved{Store: h.ledger, nth: nth, then: func() {
		came = true
		h.clock.Advance(time.Second)
		other.readsServers()
	}}
	r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: h.nextSource(), Asker: alice, Person: alice, Duration: time.Hour})
	if err != nil {
		t.Fatalf("after read %d: %v", nth, err)
	}
	h.Store = h.ledger
	if v, err := h.View(h.ctx(), r.ID); err != nil || len(v.Servers) != 4 {
		t.Errorf("after read %d: %d servers, %v, want 4", nth, len(v.Servers), err)
	}
	return came
}

// readsServers has this replica read the list of servers.
func (h *harness) readsServers() {
	h.t.Helper()
	_, err := h.FindServers(h.ctx(), bob, "")
	h.must(err)
}
