package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/store"
)

// What is behind counts from when it began to be, whatever is tried meanwhile; what is for later
// does not count yet.
func testBacklog(t *testing.T, s *store.Store) {
	backlog := func(now time.Time) (outbox, inbox delivery.Backlog) {
		t.Helper()
		outbox, inbox, err := s.Backlog(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		return outbox, inbox
	}
	announce := func(ctx context.Context, tx access.Tx) error { return tx.Announce(ctx, 1) }
	began := time.Now().Truncate(time.Millisecond)
	soon := began.Add(time.Minute)
	outbox, inbox := backlog(soon)
	same(t, "nothing to send", outbox, delivery.Backlog{})
	same(t, "nothing to handle", inbox, delivery.Backlog{})

	update(t, s, announce)
	first, _ := backlog(soon)
	same(t, "a drawing", first.Waiting, 1)
	if first.Since.Before(began) || first.Since.After(time.Now()) {
		t.Errorf("it waits since %s, and began at %s", first.Since, began)
	}
	waits(t, first.Since)
	deliver(t, s, func(ctx context.Context, tx delivery.Tx) error {
		return tx.SaveDrawing(ctx, delivery.Drawing{RequestID: 1, Attempts: 1, NextAt: soon})
	})
	update(t, s, announce)
	outbox, _ = backlog(soon)
	same(t, "failed, and changed once more", outbox, first)

	deliver(t, s, func(ctx context.Context, tx delivery.Tx) error {
		return tx.SaveDrawing(ctx, delivery.Drawing{RequestID: 1, Shown: 1})
	})
	outbox, _ = backlog(soon)
	if !outbox.Since.After(first.Since) {
		t.Errorf("one that has caught up in part waits since %s", outbox.Since)
	}
	deliver(t, s, func(ctx context.Context, tx delivery.Tx) error {
		return tx.SaveDrawing(ctx, delivery.Drawing{RequestID: 1, Shown: 2})
	})
	outbox, _ = backlog(soon)
	same(t, "shown", outbox, delivery.Backlog{})

	at := soon.Add(time.Hour)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.Notify(ctx, access.Notice{Key: "later", NotBefore: at})
	})
	outbox, _ = backlog(soon)
	same(t, "a notice for later", outbox, delivery.Backlog{})
	outbox, _ = backlog(at)
	same(t, "its time has come", outbox, delivery.Backlog{Waiting: 1, Since: at.UTC()})

	if _, err := s.Accept(t.Context(), delivery.Envelope{ID: "e", At: epoch}, soon); err != nil {
		t.Fatal(err)
	}
	_, inbox = backlog(soon)
	same(t, "an envelope", inbox, delivery.Backlog{Waiting: 1, Since: epoch})
	if err := s.Handled(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	_, inbox = backlog(soon)
	same(t, "handled", inbox, delivery.Backlog{})
}

// waits waits until the clock shows another millisecond.
func waits(t *testing.T, since time.Time) {
	t.Helper()
	for time.Since(since) < 2*time.Millisecond {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}
