package access_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// interleaved is a ledger on which something else happens right after the nth read.
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
// of one moment, whenever that happens.
func TestAskWhileAnotherReplicaReadsTheServers(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		for nth := range 12 {
			t.Run(fmt.Sprintf("known %t, after read %d", known, nth+1), func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, 4)
				h.register(alice, "alice laptop")
				if known {
					h.readsServers()
					h.clock.Advance(2 * time.Hour)
				}
				other := newHarnessOn(t, h.ledger, 0)
				other.account, other.Target, other.Now = h.account, h.account, h.clock.Now
				h.Store = &interleaved{Store: h.ledger, nth: nth + 1, then: func() {
					h.clock.Advance(time.Second)
					other.readsServers()
				}}
				r, err := h.AskGrant(h.ctx(), access.GrantAsk{Source: h.nextSource(), Asker: alice, Person: alice, Duration: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				if v, err := h.View(h.ctx(), r.ID); err != nil || len(v.Servers) != 4 {
					t.Errorf("%d servers, %v, want 4", len(v.Servers), err)
				}
			})
		}
	}
}

// readsServers has this replica read the list of servers.
func (h *harness) readsServers() {
	h.t.Helper()
	_, err := h.FindServers(h.ctx(), bob, "")
	h.must(err)
}
