package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/store"
)

// deliver runs fn in an update of the outbox's that must succeed.
func deliver(t *testing.T, s *store.Store, fn func(ctx context.Context, tx delivery.Tx) error) {
	t.Helper()
	if err := s.Outbox().Update(t.Context(), func(tx delivery.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// delivered runs fn in a reading of the outbox's that must succeed, and returns what it found.
func delivered[T any](t *testing.T, s *store.Store, fn func(ctx context.Context, tx delivery.Tx) (T, error)) T {
	t.Helper()
	var found T
	err := s.Outbox().Read(t.Context(), func(tx delivery.Tx) (err error) {
		found, err = fn(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return found
}

func testDrawings(t *testing.T, s *store.Store) {
	drawing := func(ctx context.Context, tx delivery.Tx) (delivery.Drawing, error) { return tx.Drawing(ctx, 1) }
	due := func(now time.Time) []int64 {
		t.Helper()
		return delivered(t, s, func(ctx context.Context, tx delivery.Tx) ([]int64, error) { return tx.DueDrawings(ctx, now) })
	}
	shown := func(want bool) {
		t.Helper()
		got, err := delivery.Shown(t.Context(), s.Outbox(), 1)
		if got != want || err != nil {
			t.Errorf("shown: %t, %v", got, err)
		}
	}
	deliver(t, s, func(ctx context.Context, tx delivery.Tx) error {
		_, err := tx.Drawing(ctx, 1)
		notFound(t, err)
		return nil
	})
	shown(true) // there is nothing to be shown
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := tx.Announce(ctx); err != nil {
			return err
		}
		return tx.Announce(ctx, 2, 1, 2)
	})
	same(t, "announced", delivered(t, s, drawing), delivery.Drawing{RequestID: 1, Version: 1})
	same(t, "both are due", due(epoch), []int64{1, 2})
	shown(false)

	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Announce(ctx, 1) })
	save := func(d delivery.Drawing) {
		t.Helper()
		deliver(t, s, func(ctx context.Context, tx delivery.Tx) error { return tx.SaveDrawing(ctx, d) })
	}
	save(delivery.Drawing{RequestID: 1, Version: 1, Shown: 1, NextAt: epoch, Attempts: 3})
	same(t, "version 2 came meanwhile", delivered(t, s, drawing), delivery.Drawing{RequestID: 1, Version: 2, Shown: 1, NextAt: epoch, Attempts: 3})
	same(t, "not before its time", due(epoch.Add(-time.Millisecond)), []int64{2})
	same(t, "its time was of a wrong clock", due(epoch.Add(-time.Hour)), []int64{2, 1})
	shown(false)
	save(delivery.Drawing{RequestID: 1, Version: 2, Shown: 2})
	same(t, "shown is not due", due(epoch), []int64{2})
	shown(true)
}

func testNotices(t *testing.T, s *store.Store) {
	full := filled[access.Notice](0)
	full.SentAt = time.Time{}
	due := func(now time.Time) []int64 {
		t.Helper()
		return read(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) { return tx.DueNotices(ctx, now) })
	}
	for _, detail := range []string{full.Detail, "the same key again"} {
		again := full
		again.Detail = detail
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Notify(ctx, again) })
	}
	ids := due(full.NextAt)
	if len(ids) != 1 {
		t.Fatalf("due are %v, want one", ids)
	}
	full.ID = ids[0]
	notice := func(ctx context.Context, tx access.Tx) (access.Notice, error) { return tx.Notice(ctx, full.ID) }
	same(t, "every field", read(t, s, notice), full)
	same(t, "not before its time", due(full.NextAt.Add(-time.Millisecond)), nil)
	same(t, "its time was of a wrong clock", due(full.NextAt.Add(-time.Hour)), ids)
	full.Attempts, full.SentAt = 4, epoch
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveNotice(ctx, full) })
	same(t, "saved", read(t, s, notice), full)
	same(t, "sent once", due(full.NextAt), nil)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.Notice(ctx, full.ID+1)
		notFound(t, err)
		return nil
	})
}

// The drawing of a Home is queued once, however much changes, and again after it was drawn.
func testHomeNotices(t *testing.T, s *store.Store) {
	due := func(now time.Time) []int64 {
		t.Helper()
		return read(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) { return tx.DueNotices(ctx, now) })
	}
	notify := func(now time.Time) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Notify(ctx, access.HomeNotice("U1", now)) })
	}
	notify(epoch)
	notify(epoch.Add(time.Hour))
	ids := due(epoch.Add(time.Minute))
	if len(ids) != 1 {
		t.Fatalf("due are %v, want one", ids)
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		n, err := tx.Notice(ctx, ids[0])
		if err != nil {
			return err
		}
		n.SentAt, n.Attempts = epoch, 3
		return tx.SaveNotice(ctx, n)
	})
	same(t, "drawn", due(epoch.Add(time.Hour)), nil)
	notify(epoch.Add(time.Hour))
	same(t, "in a moment", due(epoch.Add(time.Hour)), nil)
	same(t, "queued again", due(epoch.Add(time.Hour+time.Minute)), ids)
}

func testMessages(t *testing.T, s *store.Store) {
	first := delivery.Message{RequestID: 1, Role: "request", Channel: "C1", TS: "1700000000.000100", Digest: "d"}
	second := delivery.Message{RequestID: 1, Role: "progress", Channel: "C1", TS: "1700000001.000100", Digest: "d"}
	changed := first
	changed.Digest = "e"
	deliver(t, s, func(ctx context.Context, tx delivery.Tx) error {
		for _, m := range []delivery.Message{second, first, {RequestID: 2}, changed} {
			if err := tx.SaveMessage(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	messages := delivered(t, s, func(ctx context.Context, tx delivery.Tx) ([]delivery.Message, error) { return tx.Messages(ctx, 1) })
	same(t, "messages, oldest first", messages, []delivery.Message{changed, second})
}
