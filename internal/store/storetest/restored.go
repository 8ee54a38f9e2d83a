package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/store"
)

// testSkipIDs tests that ids begin anew far above the old ones, and above those of the same
// copy put back earlier.
func testSkipIDs(t *testing.T, s *store.Store) {
	at := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	ask := func(ctx context.Context, tx access.Tx) (access.Request, error) {
		r, _, err := tx.InsertRequest(ctx, access.Request{Kind: access.KindGrant, State: access.Pending, Asker: "U1", Person: "U1"}, nil)
		return r, err
	}
	skip := func(ctx context.Context, tx access.Tx) (access.LastIDs, error) { return tx.SkipIDs(ctx, at) }
	first := updated(t, s, ask)
	same(t, "the first request", first.ID, 1)
	last := updated(t, s, skip)
	same(t, "the last ids", last, access.LastIDs{Request: 1, Skipped: 1_003_601})
	same(t, "the next request", updated(t, s, ask).ID, last.Skipped+1)
	grant := updated(t, s, func(ctx context.Context, tx access.Tx) (access.Grant, error) {
		return tx.InsertGrant(ctx, access.Grant{RequestID: 1, Person: "U1", State: access.Live}, nil)
	})
	same(t, "the first grant", grant.ID, last.Skipped+1)
	same(t, "once more", updated(t, s, skip).Request, last.Skipped+1)
}

// testDropDeliveries tests that nothing is sent or carried out that waited in a copy.
func testDropDeliveries(t *testing.T, s *store.Store) {
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := tx.PersonChanged(ctx, epoch, "U1"); err != nil {
			return err
		}
		return tx.Notify(ctx, access.Notice{Key: "a", Kind: access.NoticeReady, To: "U1"})
	})
	if _, err := s.Accept(t.Context(), delivery.Envelope{ID: "e", Person: "U1", At: epoch}, epoch); err != nil {
		t.Fatal(err)
	}
	drop := func(ctx context.Context, tx access.Tx) (int, error) { return tx.DropDeliveries(ctx, epoch) }
	same(t, "what people did", updated(t, s, drop), 1)
	same(t, "the second time", updated(t, s, drop), 0)
	if left, err := s.Leftovers(t.Context(), epoch.Add(time.Hour), epoch.Add(2*time.Hour)); err != nil || len(left) > 0 {
		t.Errorf("%v, %v are still to be carried out", left, err)
	}
	var due []int64
	if err := s.Outbox().Read(t.Context(), func(tx delivery.Tx) (err error) {
		due, err = tx.DueNotices(t.Context(), epoch.Add(time.Hour))
		return err
	}); err != nil || len(due) != 1 {
		t.Errorf("%v, %v are still to be sent, want the Home tab", due, err)
	}
}

// updated returns what an update returns.
func updated[T any](t *testing.T, s *store.Store, fn func(ctx context.Context, tx access.Tx) (T, error)) (out T) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx access.Tx) (err error) {
		out, err = fn(ctx, tx)
		return err
	})
	return out
}
