package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/store"
)

func testInbox(t *testing.T, s *store.Store) {
	ctx, minute := t.Context(), time.Minute
	full := delivery.Envelope{ID: "full", Person: "U1", At: epoch, Payload: []byte("{}\x00\xff")}

	early := delivery.Envelope{ID: "early", At: epoch.Add(-time.Hour), Payload: []byte("x")}
	accept := func(e delivery.Envelope, want bool) {
		t.Helper()
		fresh, err := s.Accept(ctx, e, epoch)
		if err != nil || fresh != want {
			t.Errorf("Accept(%s) = %v, %v, want %v", e.ID, fresh, err, want)
		}
	}
	leftovers := func(now time.Time, want ...delivery.Envelope) {
		t.Helper()
		got, err := s.Leftovers(ctx, now, now.Add(minute))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "leftovers", got, want)
	}
	oldest := func(want time.Time) {
		t.Helper()
		same(t, "the oldest envelope", read(t, s, func(ctx context.Context, tx access.Tx) (time.Time, error) {
			return tx.OldestEnvelope(ctx)
		}), want)
	}
	oldest(time.Time{})
	accept(full, true)
	oldest(full.At)
	accept(early, true)
	oldest(early.At)
	accept(full, false)
	leftovers(epoch.Add(-time.Millisecond))
	leftovers(epoch, early, full)
	leftovers(epoch)
	if err := s.Handled(ctx, full.ID); err != nil {
		t.Fatal(err)
	}
	accept(full, false)
	if err := s.Hold(ctx, []string{early.ID, full.ID, "unknown"}, epoch.Add(2*minute)); err != nil {
		t.Fatal(err)
	}
	leftovers(epoch.Add(2*minute - time.Millisecond)) // somebody is still busy with it
	leftovers(epoch.Add(2*minute), early)
	leftovers(epoch.Add(-time.Hour), early) // held until a time that a wrong clock gave
	if err := s.Handled(ctx, early.ID); err != nil {
		t.Fatal(err)
	}
	oldest(time.Time{})
	same(t, "payloads that are kept", query[int64](t, s, "SELECT COUNT(*) FROM inbox WHERE handled = 1 AND LENGTH(payload) > 0"), 0)
}

// Each leftover goes to one of several callers at the same time.
func testInboxOneTaker(t *testing.T, s *store.Store) {
	const envelopes, takers = 50, 10
	for i := range envelopes {
		if _, err := s.Accept(t.Context(), delivery.Envelope{ID: time.Duration(i).String(), At: epoch}, epoch); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	taken := map[string]int{}
	var all sync.WaitGroup
	for range takers {
		all.Go(func() {
			mine, err := s.Leftovers(t.Context(), epoch, epoch.Add(time.Minute))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, e := range mine {
				taken[e.ID]++
			}
		})
	}
	all.Wait()
	same(t, "envelopes taken", len(taken), envelopes)
	for id, n := range taken {
		if n != 1 {
			t.Errorf("%s was taken %d times", id, n)
		}
	}
}

func testPrune(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, e := range []delivery.Envelope{{ID: "old", At: epoch}, {ID: "open", At: epoch}, {ID: "new", At: epoch.Add(2 * time.Hour)}} {
		if fresh, err := s.Accept(ctx, e, epoch); err != nil || !fresh {
			t.Fatalf("accept %s: %v, %v", e.ID, fresh, err)
		}
		if e.ID == "open" {
			continue
		}
		if err := s.Handled(ctx, e.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Prune(ctx, epoch.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"old": true, "open": false, "new": false} {
		if fresh, err := s.Accept(ctx, delivery.Envelope{ID: id, At: epoch}, epoch); err != nil || fresh != want {
			t.Errorf("%s is new again: %v, want %v (%v)", id, fresh, want, err)
		}
	}
}
