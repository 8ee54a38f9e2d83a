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

// dueNotices lists the notices that are due then.
func dueNotices(t *testing.T, s *store.Store, now time.Time) []int64 {
	t.Helper()
	return delivered(t, s, func(ctx context.Context, tx delivery.Tx) ([]int64, error) { return tx.DueNotices(ctx, now) })
}

func saveNotice(t *testing.T, s *store.Store, n delivery.Notice) {
	t.Helper()
	deliver(t, s, func(ctx context.Context, tx delivery.Tx) error { return tx.SaveNotice(ctx, n) })
}

func testNotices(t *testing.T, s *store.Store) {
	asked := filled[access.Notice](0)
	asked.NotBefore = time.Time{} // is its NextAt then
	for _, detail := range []string{asked.Detail, "the same key again"} {
		again := asked
		again.Detail = detail
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Notify(ctx, again) })
	}
	ids := dueNotices(t, s, epoch)
	if len(ids) != 1 {
		t.Fatalf("due are %v, want one", ids)
	}
	notice := func(ctx context.Context, tx delivery.Tx) (delivery.Notice, error) { return tx.Notice(ctx, ids[0]) }
	same(t, "as it was asked", delivered(t, s, notice), delivery.Notice{Notice: asked, ID: ids[0]})
	full := filled[delivery.Notice](0)
	full.ID, full.SentAt, full.NotBefore = ids[0], time.Time{}, time.Time{}
	saveNotice(t, s, full)
	same(t, "every field", delivered(t, s, notice), full)
	same(t, "due", dueNotices(t, s, full.NextAt), ids)
	same(t, "not before its time", dueNotices(t, s, full.NextAt.Add(-time.Millisecond)), nil)
	same(t, "its time was of a wrong clock", dueNotices(t, s, full.NextAt.Add(-time.Hour)), ids)
	full.Attempts, full.SentAt = 4, epoch
	saveNotice(t, s, full)
	same(t, "saved", delivered(t, s, notice), full)
	same(t, "sent once", dueNotices(t, s, full.NextAt), nil)
	later := asked
	later.Key, later.NotBefore = "later", epoch.Add(time.Minute)
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Notify(ctx, later) })
	same(t, "one that is for later", len(dueNotices(t, s, epoch)), 0)
	same(t, "later", len(dueNotices(t, s, later.NotBefore)), 1)
	deliver(t, s, func(ctx context.Context, tx delivery.Tx) error {
		_, err := tx.Notice(ctx, full.ID+1)
		notFound(t, err)
		return nil
	})
}

// What a person sees is queued once however much changes, and again once it was drawn.
func testPersonChanged(t *testing.T, s *store.Store) {
	changed := func(at time.Time, ids ...access.UserID) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.PersonChanged(ctx, at, ids...) })
	}
	changed(epoch)
	changed(epoch, "")
	changed(epoch, "U1", "", "U1")
	changed(epoch.Add(time.Hour), "U1")
	ids := dueNotices(t, s, epoch.Add(time.Minute))
	if len(ids) != 1 {
		t.Fatalf("due are %v, want one", ids)
	}
	n := delivered(t, s, func(ctx context.Context, tx delivery.Tx) (delivery.Notice, error) { return tx.Notice(ctx, ids[0]) })
	want := delivery.HomeNotice("U1", epoch)
	want.ID = ids[0]
	same(t, "as it changed first", n, want)
	n.SentAt, n.Attempts = epoch, 3
	saveNotice(t, s, n)
	same(t, "drawn", dueNotices(t, s, epoch.Add(time.Hour)), nil)
	changed(epoch.Add(time.Hour), "U1")
	same(t, "in a moment", dueNotices(t, s, epoch.Add(time.Hour)), nil)
	same(t, "queued again", dueNotices(t, s, epoch.Add(time.Hour+time.Minute)), ids)
	changed(epoch, "U2", "U1", "S1")
	same(t, "several at once", len(dueNotices(t, s, epoch.Add(2*time.Hour))), 3)
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
