package storetest

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testDueWork(t *testing.T, s *store.Store) {
	later := epoch.Add(time.Millisecond)
	for i, p := range []access.Placement{
		{ServerID: 1, State: access.PlacementWanted, NextAt: epoch},
		{ServerID: 1, State: access.PlacementUnknown},
		{ServerID: 2, State: access.PlacementLeaving},
		{ServerID: 2, State: access.PlacementWanted},
		{ServerID: 3, State: access.PlacementWanted, Urgent: true},
		{ServerID: 4, State: access.PlacementGone, InDoubtUntil: epoch},
		{ServerID: 5, State: access.PlacementLeaving, NextAt: later},
		{ServerID: 6, State: access.PlacementWanted, Stuck: true},
		{ServerID: 7, State: access.PlacementPlaced, InDoubtUntil: later},
		{ServerID: 8, State: access.PlacementPlaced, VerifyAt: epoch},
		{ServerID: 9, State: access.PlacementPlaced, VerifyAt: epoch, Stuck: true},
		{ServerID: 10, State: access.PlacementPlaced, VerifyAt: later},
		{ServerID: 11, State: access.PlacementGone, VerifyAt: epoch},
		{ServerID: 12, State: access.PlacementLeaving, Urgent: true},
	} {
		p.Fingerprint = strconv.Itoa(i)
		insertPlacement(t, s, p)
	}
	due := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Work, error) { return tx.IdleWork(ctx, epoch) })
	slices.SortFunc(due, func(a, b access.Work) int { return int(10*(a.ID-b.ID)) + len(a.Kind) - len(b.Kind) })
	same(t, "due work", due, []access.Work{
		{Kind: access.WorkAdd, ID: 1}, {Kind: access.WorkAdd, ID: 2}, {Kind: access.WorkRemove, ID: 2},
		{Kind: access.WorkRenew, ID: 3}, {Kind: access.WorkAdd, ID: 4}, {Kind: access.WorkAdd, ID: 8}, {Kind: access.WorkRenew, ID: 12},
	})
}

// Servers with something due are counted once, on their target alone, and no further than is asked.
func testCountDue(t *testing.T, s *store.Store) {
	for _, target := range []string{"one", "two"} {
		servers := make([]access.Server, 3)
		for i := range servers {
			servers[i] = access.Server{ExternalID: strconv.Itoa(i), Name: "web"}
		}
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			_, err := tx.SaveServers(ctx, target, servers, epoch)
			return err
		})
	}
	for i, p := range []access.Placement{
		{ServerID: 1, State: access.PlacementWanted, NextAt: epoch}, {ServerID: 1, State: access.PlacementLeaving},
		{ServerID: 2, State: access.PlacementLeaving, NextAt: epoch.Add(time.Millisecond)},
		{ServerID: 3, State: access.PlacementPlaced, VerifyAt: epoch},
		{ServerID: 4, State: access.PlacementUnknown},
		{ServerID: 5, State: access.PlacementPlaced},
		{ServerID: 6, State: access.PlacementPlaced, InDoubtUntil: epoch},
	} {
		p.Fingerprint = strconv.Itoa(i)
		insertPlacement(t, s, p)
	}
	due := func(target string, by time.Time, limit int) int {
		return read(t, s, func(ctx context.Context, tx access.Tx) (int, error) { return tx.CountDue(ctx, target, by, limit) })
	}
	same(t, "due now", due("one", epoch, 9), 2)
	same(t, "due a little later", due("one", epoch.Add(time.Second), 9), 3)
	same(t, "due, as far as it is asked", due("one", epoch.Add(time.Second), 1), 1)
	same(t, "due on the other target", due("two", epoch, 9), 2)
	same(t, "due on a target without servers", due("three", epoch, 9), 0)
	same(t, "servers", read(t, s, func(ctx context.Context, tx access.Tx) (int, error) { return tx.CountServers(ctx, "two") }), 3)
}

func testRemovalsBy(t *testing.T, s *store.Store) {
	for _, target := range []string{"a", "b"} { // their places have the ids 1 and 2
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			_, err := tx.SaveServers(ctx, target, []access.Server{{ExternalID: "1", Name: "web"}}, epoch)
			return err
		})
	}
	const a, b = 1, 2
	soon := func(target string, by time.Time) bool {
		return read(t, s, func(ctx context.Context, tx access.Tx) (bool, error) { return tx.RemovalsBy(ctx, target, by) })
	}
	insertGrant(t, s, access.Grant{State: access.Live, EndsAt: epoch}, access.Cover{ServerID: a, Fingerprint: "f"})
	insertGrant(t, s, access.Grant{State: access.Live}, access.Cover{ServerID: b, Fingerprint: "f"})                   // for ever
	insertGrant(t, s, access.Grant{State: access.Ended, EndsAt: epoch}, access.Cover{ServerID: b, Fingerprint: "f"})   // over
	insertPlacement(t, s, access.Placement{ServerID: b, State: access.PlacementPlaced, Fingerprint: "f"})              // stays
	insertPlacement(t, s, access.Placement{ServerID: b, State: access.PlacementGone, Fingerprint: "g", NextAt: epoch}) // went
	insertPlacement(t, s, access.Placement{ServerID: b, State: access.PlacementLeaving, Fingerprint: "h", NextAt: epoch.Add(time.Hour)})
	insertPlacement(t, s, access.Placement{ServerID: b, State: access.PlacementLeaving, Fingerprint: "i", Urgent: true}) // only to be placed anew
	for _, nobodyAsks := range []access.Problem{access.ProblemOffline, access.ProblemMissing} {
		insertPlacement(t, s, access.Placement{ServerID: b, State: access.PlacementLeaving, Fingerprint: string(nobodyAsks), Setback: access.Setback{Problem: nobodyAsks}})
	}
	if early, due := soon("a", epoch.Add(-time.Millisecond)), soon("a", epoch); early || !due {
		t.Errorf("a grant that ends: before %t, by then %t", early, due)
	}
	if early, due := soon("b", epoch.Add(time.Hour-time.Millisecond)), soon("b", epoch.Add(time.Hour)); early || !due {
		t.Errorf("a removal to be tried: before %t, by then %t", early, due)
	}
}

func testDueRenewals(t *testing.T, s *store.Store) {
	hour := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	var ids []int64
	for _, p := range []struct {
		key    access.Placement
		grants []access.Grant
	}{
		{access.Placement{Temporary: true, LapsesAt: hour(1)}, []access.Grant{{EndsAt: hour(3)}}},
		{access.Placement{Temporary: true, LapsesAt: epoch}, []access.Grant{{EndsAt: epoch}, {}}},
		{access.Placement{Temporary: true, LapsesAt: hour(1)}, []access.Grant{{EndsAt: hour(1)}}},
		{access.Placement{Temporary: true, LapsesAt: hour(2)}, []access.Grant{{}}},
		{access.Placement{Temporary: true, LapsesAt: hour(1)}, nil},
		{access.Placement{PlacedAt: hour(-1)}, []access.Grant{{StartsAt: hour(-2), EndsAt: hour(1)}}},
		{access.Placement{PlacedAt: epoch}, []access.Grant{{StartsAt: hour(-2), EndsAt: hour(1)}}},
		{access.Placement{PlacedAt: hour(-1)}, []access.Grant{{StartsAt: hour(-2), EndsAt: hour(1)}, {}}},
		{access.Placement{PlacedAt: hour(-1)}, []access.Grant{{StartsAt: hour(-2), EndsAt: hour(24)}}},
		{access.Placement{PlacedAt: hour(-1)}, nil},
	} {
		p.key.ServerID, p.key.State = int64(len(ids)), access.PlacementPlaced
		ids = append(ids, insertPlacement(t, s, p.key).ID)
		for _, g := range p.grants {
			g.State = access.Live
			insertGrant(t, s, g, access.Cover{ServerID: p.key.ServerID})
		}
	}
	q := access.RenewalQuery{Now: epoch.Add(-time.Minute), LapsesBefore: hour(1), PlacedBefore: hour(-1), Permanent: 12 * time.Hour}
	due := func() []int64 {
		return placementIDs(read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) { return tx.DueRenewals(ctx, q) }))
	}
	same(t, "to be placed anew", due(), []int64{ids[5], ids[1], ids[0]})
	q.Spare = 2 * time.Hour
	same(t, "where two hours may be missing", due(), []int64{ids[5], ids[1]})
	q.Limit, q.Spare = 2, 0
	same(t, "two of them", due(), []int64{ids[5], ids[1]})
	q.Permanent = 1000 * time.Hour
	same(t, "where a day is no reason for a permanent key", due(), []int64{ids[5], ids[8]})
}

// Keys that lapse at the same time are due for renewal one after the other.
func testRenewalsAreSpread(t *testing.T, s *store.Store) {
	for i := range int64(60) {
		insertPlacement(t, s, access.Placement{ServerID: i, State: access.PlacementPlaced, Temporary: true, LapsesAt: epoch.Add(2 * time.Hour)})
		insertGrant(t, s, access.Grant{State: access.Live}, access.Cover{ServerID: i})
	}
	due := func(minute int) int {
		q := access.RenewalQuery{Now: epoch, LapsesBefore: epoch.Add(2*time.Hour + time.Duration(minute)*time.Minute), Spread: time.Hour}
		return len(read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) { return tx.DueRenewals(ctx, q) }))
	}
	for minute, want := range map[int]int{-1: 0, 0: 1, 14: 15, 29: 30, 58: 59, 59: 60} {
		same(t, "due after "+strconv.Itoa(minute)+" minutes", due(minute), want)
	}
}

func testCapWaits(t *testing.T, s *store.Store) {
	soon, far := epoch.Add(time.Minute), epoch.Add(1000*time.Hour)
	latest := access.Waits{Retry: epoch.Add(10 * time.Minute), Refused: epoch.Add(3 * time.Hour), Limited: epoch.Add(time.Hour), InDoubt: epoch.Add(2 * time.Minute)}
	want := map[int64][]time.Time{}
	for _, p := range []struct {
		access.Placement
		next, recheck, verify time.Time
	}{
		{access.Placement{ServerID: 1, State: access.PlacementLeaving, NextAt: far}, latest.Retry, time.Time{}, time.Time{}},
		{access.Placement{ServerID: 2, State: access.PlacementWanted, NextAt: far, Setback: access.Setback{Problem: access.ProblemLimited}}, latest.Limited, time.Time{}, time.Time{}},
		{access.Placement{ServerID: 3, State: access.PlacementLeaving, NextAt: soon, InDoubtUntil: soon}, soon, soon, time.Time{}},
		{access.Placement{ServerID: 4, State: access.PlacementGone, InDoubtUntil: far}, time.Time{}, latest.InDoubt, time.Time{}},
		{access.Placement{ServerID: 5, State: access.PlacementPlaced, VerifyAt: far}, time.Time{}, time.Time{}, latest.Limited},
		{access.Placement{ServerID: 6, State: access.PlacementLeaving, NextAt: far, Setback: access.Setback{Problem: access.ProblemRefused}}, latest.Refused, time.Time{}, time.Time{}},
	} {
		want[insertPlacement(t, s, p.Placement).ID] = []time.Time{p.next, p.recheck, p.verify}
	}
	for server, wait := range []string{"+1 minutes", "+2 hours"} {
		wake(t, s, access.Work{Kind: access.WorkRemove, ID: int64(server)})
		later := "now() + interval '" + wait + "'"
		if s.SQLite() != nil {
			later = "datetime('now', 'subsec', '" + wait + "')"
		}
		if err := exec(t, s, "UPDATE river_job SET scheduled_at = "+later+" WHERE CAST(args->>'place_id' AS TEXT) = '"+strconv.Itoa(server)+"'"); err != nil {
			t.Fatal(err)
		}
	}
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.CapWaits(ctx, latest) })
	now := "now()"
	if s.SQLite() != nil {
		now = "datetime('now', 'subsec')"
	}
	same(t, "jobs that wait", jobs(t, s, "scheduled_at > "+now), 1)
	same(t, "the one of a wrong clock is due", jobs(t, s, "scheduled_at <= "+now+" AND CAST(args->>'place_id' AS TEXT) = '1'"), 1)
	for id, times := range want {
		got := read(t, s, func(ctx context.Context, tx access.Tx) (access.Placement, error) { return tx.Placement(ctx, id) })
		same(t, "times on server "+strconv.FormatInt(got.ServerID, 10), []time.Time{got.NextAt, got.InDoubtUntil, got.VerifyAt}, times)
	}
}
