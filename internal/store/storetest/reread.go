package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testLooks(t *testing.T, s *store.Store) {
	far := insertPlacement(t, s, access.Placement{ServerID: 2, State: access.PlacementGone})
	near := insertPlacement(t, s, access.Placement{ServerID: 1, State: access.PlacementGone})
	insertPlacement(t, s, access.Placement{ServerID: 1, State: access.PlacementGone, SystemUser: "never"})
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		for _, p := range []access.Placement{far, near, near} { // the same reading twice is one
			for _, after := range []time.Duration{time.Hour, 12 * time.Hour} {
				if err := tx.AddReread(ctx, p.ID, epoch.Add(after)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	due := func(now time.Time) []int64 {
		t.Helper()
		return placementIDs(read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) { return tx.DueRereads(ctx, now) }))
	}
	drop := func(p access.Placement, now time.Time) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.DropRereads(ctx, p.ID, now) })
	}
	same(t, "none is due", due(epoch.Add(time.Hour-time.Millisecond)), nil)
	same(t, "the first, by server", due(epoch.Add(time.Hour)), []int64{near.ID, far.ID})
	drop(near, epoch.Add(time.Hour))
	same(t, "one is done", due(epoch.Add(2*time.Hour)), []int64{far.ID})
	same(t, "its second is not", due(epoch.Add(12*time.Hour)), []int64{near.ID, far.ID})
	drop(far, epoch.Add(12*time.Hour))
	drop(near, epoch.Add(12*time.Hour))
	same(t, "all are done", due(epoch.Add(100*time.Hour)), nil)
}

func testReopenInspections(t *testing.T, s *store.Store) {
	result := func(request, server int64, phase access.Phase, state access.ResultState) access.Result {
		return access.Result{RequestID: request, Phase: phase, ServerID: server, State: state, Setback: access.Setback{Problem: access.ProblemServerLeft}, UpdatedAt: epoch}
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.InsertResults(ctx, []access.Result{
			result(1, 2, access.PhaseInspect, access.OutOfReach), result(1, 3, access.PhaseInspect, access.OutOfReach),
			result(2, 2, access.PhaseInspect, access.Done), result(3, 2, access.PhaseRemove, access.OutOfReach),
		})
	})
	got := written(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.ReopenInspections(ctx, 2) })
	want := result(1, 2, access.PhaseInspect, access.Waiting)
	want.Problem = access.NoProblem
	same(t, "what was out of reach there", got, []access.Result{want})
	open := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.OpenInspections(ctx) })
	same(t, "waits again", open, []access.Result{want})
}

// A result whose sessions could not be read is not the same as one without sessions.
func testSessions(t *testing.T, s *store.Store) {
	result := func(server int64, sessions []access.Session) access.Result {
		return access.Result{RequestID: 1, Phase: access.PhaseInspect, ServerID: server, State: access.Done, Sessions: sessions, UpdatedAt: epoch}
	}
	want := []access.Result{result(1, nil), result(2, []access.Session{}), result(3, []access.Session{{SystemUser: "web", Address: "192.0.2.1", Since: "09:00"}})}
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := tx.InsertResults(ctx, []access.Result{result(1, nil), result(2, nil), result(3, nil)}); err != nil {
			return err
		}
		for _, r := range want {
			if err := tx.SaveResult(ctx, r); err != nil {
				return err
			}
		}
		return tx.Tell(ctx, want[:2])
	})
	want[0].Told, want[1].Told = access.Done, access.Done
	got := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.Results(ctx, 1) })
	same(t, "sessions", got, want)
}
