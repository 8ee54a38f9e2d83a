package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func insertPlacement(t *testing.T, s *store.Store, p access.Placement) access.Placement {
	t.Helper()
	return written(t, s, func(ctx context.Context, tx access.Tx) (access.Placement, error) { return tx.InsertPlacement(ctx, p) })
}

func placementIDs(placements []access.Placement) (ids []int64) {
	for _, p := range placements {
		ids = append(ids, p.ID)
	}
	return ids
}

func testPlacementRoundTrip(t *testing.T, s *store.Store) {
	want := filled[access.Placement](0)
	got := insertPlacement(t, s, want)
	want.ID = got.ID
	same(t, "inserted", got, want)
	placement := func(ctx context.Context, tx access.Tx) (access.Placement, error) { return tx.Placement(ctx, want.ID) }
	same(t, "read", read(t, s, placement), want)

	moved := filled[access.Placement](1000)
	moved.ID, moved.ServerID, moved.SystemUser, moved.Fingerprint, moved.Picked = want.ID, want.ServerID, want.SystemUser, want.Fingerprint, want.Picked // which never change
	for _, test := range []struct {
		from     access.PlacementState
		attempts int
		wins     bool
	}{{moved.State, want.Attempts, false}, {want.State, want.Attempts + 1, false}, {want.State, want.Attempts, true}, {want.State, want.Attempts, false}} {
		won := written(t, s, func(ctx context.Context, tx access.Tx) (bool, error) {
			return tx.MovePlacement(ctx, moved, test.from, test.attempts)
		})
		same(t, "the move wins", won, test.wins)
	}
	same(t, "moved", read(t, s, placement), moved)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.Placement(ctx, want.ID+1)
		notFound(t, err)
		return nil
	})
}

func testPlacementQuery(t *testing.T, s *store.Store) {
	var ids []int64
	for _, p := range []access.Placement{
		{ServerID: 1, Person: "U1", Fingerprint: "a", SystemUser: "web", State: access.PlacementWanted, NextAt: epoch, Label: "of a"},
		{ServerID: 2, Person: "U1", Fingerprint: "a", SystemUser: "root", State: access.PlacementPlaced, VerifyAt: epoch, NextAt: epoch.Add(time.Hour), Temporary: true, LapsesAt: epoch},
		{ServerID: 3, Person: "U2", Fingerprint: "b", SystemUser: "web", State: access.PlacementLeaving, Stuck: true, Setback: access.Setback{Problem: access.ProblemRefused}},
		{ServerID: 3, Person: "U2", Fingerprint: "b", SystemUser: "web", State: access.PlacementGone, InDoubtUntil: epoch},
		{ServerID: 4, Person: "U3", Fingerprint: "c", SystemUser: "web", State: access.PlacementLeaving, NextAt: epoch.Add(time.Hour), InDoubtUntil: epoch, Urgent: true},
	} {
		ids = append(ids, insertPlacement(t, s, p).ID)
	}
	before := epoch.Add(-time.Millisecond)
	for name, test := range map[string]struct {
		query access.PlacementQuery
		want  []int64
	}{
		"all":                 {access.PlacementQuery{}, ids},
		"server":              {access.PlacementQuery{Server: 3}, ids[2:4]},
		"servers":             {access.PlacementQuery{Servers: []int64{1, 2}}, ids[:2]},
		"states":              {access.PlacementQuery{States: []access.PlacementState{access.PlacementWanted, access.PlacementGone}}, []int64{ids[0], ids[3]}},
		"person":              {access.PlacementQuery{Person: "U1"}, ids[:2]},
		"fingerprint":         {access.PlacementQuery{Fingerprint: "b"}, ids[2:4]},
		"system user":         {access.PlacementQuery{SystemUser: "root"}, ids[1:2]},
		"due":                 {access.PlacementQuery{Due: epoch}, []int64{ids[0], ids[3]}},
		"due a moment before": {access.PlacementQuery{Due: before}, ids[3:4]},
		"recheck":             {access.PlacementQuery{DoubtEndsBefore: epoch}, ids[3:4]},
		"no recheck yet":      {access.PlacementQuery{DoubtEndsBefore: before}, nil},
		"label":               {access.PlacementQuery{Label: "of a"}, ids[:1]},
		"verify":              {access.PlacementQuery{VerifyBefore: epoch}, ids[1:2]},
		"verify not yet":      {access.PlacementQuery{VerifyBefore: before}, nil},
		"renewed":             {access.PlacementQuery{Renewed: true}, ids[4:5]},
		"there":               {access.PlacementQuery{Server: 3, States: []access.PlacementState{access.PlacementPlaced, access.PlacementLeaving}}, ids[2:3]},
		"problem":             {access.PlacementQuery{Problem: access.ProblemRefused}, ids[2:3]},
		"limit":               {access.PlacementQuery{Limit: 3}, ids[:3]},
	} {
		found := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) {
			return tx.Placements(ctx, test.query)
		})
		same(t, name, placementIDs(found), test.want)
	}
}

// A key on a server has at most one placement that is wanted, unknown or placed, and any
// number of leaving or gone ones.
func testPlacementOnce(t *testing.T, s *store.Store) {
	key := access.Placement{ServerID: 1, SystemUser: "web", Fingerprint: "a"}
	for _, state := range []access.PlacementState{access.PlacementLeaving, access.PlacementLeaving, access.PlacementGone, access.PlacementGone, access.PlacementPlaced} {
		key.State = state
		insertPlacement(t, s, key)
	}
	for _, state := range []access.PlacementState{access.PlacementWanted, access.PlacementUnknown, access.PlacementPlaced} {
		key.State = state
		err := s.Update(t.Context(), func(tx access.Tx) error {
			_, err := tx.InsertPlacement(t.Context(), key)
			return err
		})
		if err == nil {
			t.Errorf("a second one that is %s was taken", state)
		}
	}
}

func testVerifyPlaced(t *testing.T, s *store.Store) {
	g := access.Grant{State: access.Live, Person: "U1", SystemUser: "web", EndsAt: epoch.Add(time.Hour)}
	g = written(t, s, func(ctx context.Context, tx access.Tx) (access.Grant, error) {
		return tx.InsertGrant(ctx, g, []access.Cover{{ServerID: 1, Fingerprint: "a"}, {ServerID: 2, Fingerprint: "a"}, {ServerID: 3, Fingerprint: "a", EndedAt: epoch}})
	})
	placed := access.Placement{ServerID: 1, Person: "U1", SystemUser: "web", Fingerprint: "a", State: access.PlacementPlaced, Stuck: true}
	want := insertPlacement(t, s, placed)
	for _, other := range []func(p *access.Placement){
		func(p *access.Placement) { p.Fingerprint = "b" },
		func(p *access.Placement) { p.SystemUser = "root" },
		func(p *access.Placement) { p.ServerID, p.Person = 2, "U2" },
		func(p *access.Placement) { p.ServerID = 3 },
		func(p *access.Placement) { p.State = access.PlacementLeaving },
	} {
		p := placed
		other(&p)
		insertPlacement(t, s, p)
	}
	servers := written(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) {
		return tx.VerifyPlaced(ctx, g.ID, epoch)
	})
	same(t, "servers", servers, []int64{1})
	want.VerifyAt, want.Stuck = epoch, false
	found := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) {
		return tx.Placements(ctx, access.PlacementQuery{VerifyBefore: epoch})
	})
	same(t, "to be looked for", found, []access.Placement{want})
}

func testCovered(t *testing.T, s *store.Store) {
	p := access.Placement{ServerID: 1, SystemUser: "web", Fingerprint: "a"}
	cover := access.Cover{ServerID: 1, Fingerprint: "a"}
	end := func(hours int) time.Time { return epoch.Add(time.Duration(hours) * time.Hour) }
	for _, g := range []access.Grant{
		{State: access.Live, SystemUser: "web", EndsAt: end(1)}, {State: access.Live, SystemUser: "web", EndsAt: end(2)},
		{State: access.Ended, SystemUser: "web"}, {State: access.Live, SystemUser: "root"},
	} {
		insertGrant(t, s, g, cover)
	}
	insertGrant(t, s, access.Grant{State: access.Live, SystemUser: "web"}, access.Cover{ServerID: 1, Fingerprint: "a", EndedAt: epoch})
	check := func(now time.Time, want bool, wantUntil time.Time) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			covered, until, err := tx.Covered(ctx, p, now)
			same(t, "covered", covered, want)
			same(t, "until", until, wantUntil)
			return err
		})
	}
	check(epoch, true, end(2))
	check(end(2).Add(-time.Millisecond), true, end(2))
	check(end(2), false, time.Time{})
	insertGrant(t, s, access.Grant{State: access.Live, SystemUser: "web"}, cover)
	check(end(2), true, time.Time{})
}

func testDebt(t *testing.T, s *store.Store) {
	now := epoch.Add(2 * time.Hour)
	ended := insertGrant(t, s, access.Grant{State: access.Live, SystemUser: "web", EndsAt: now}, access.Cover{ServerID: 9, Fingerprint: "SHA256:a"})
	live := insertGrant(t, s, access.Grant{State: access.Live, SystemUser: "web"},
		access.Cover{ServerID: 10, Fingerprint: "SHA256:a"}, access.Cover{ServerID: 10, Fingerprint: "SHA256:b"})
	oldest := func(ctx context.Context, tx access.Tx) (time.Time, error) { return tx.OldestDebt(ctx, now) }
	same(t, "of what the sweep has not ended yet", read(t, s, oldest), now)
	var ids []int64
	for _, p := range []access.Placement{
		{ServerID: 1, State: access.PlacementLeaving, Attempts: 1, LeftAt: epoch.Add(time.Hour)},
		{ServerID: 2, State: access.PlacementLeaving, Setback: access.Setback{Problem: access.ProblemOffline}, LeftAt: epoch},
		{ServerID: 3, State: access.PlacementLeaving, LeftAt: now.Add(-time.Minute + time.Millisecond)},
		{ServerID: 4, State: access.PlacementPlaced, Attempts: 3},
		{ServerID: 5, State: access.PlacementGone, Attempts: 3, Setback: access.Setback{Problem: access.ProblemTrouble}},
		{ServerID: 6, State: access.PlacementLeaving, Attempts: 1, Urgent: true, LeftAt: epoch},
		{ServerID: 7, Person: "U7", State: access.PlacementLeaving, LeftAt: now.Add(-time.Minute)},
		{ServerID: 8, State: access.PlacementLeaving, LeftAt: now},
		{ServerID: 9, State: access.PlacementPlaced, GrantID: ended.ID, SystemUser: "web", Fingerprint: "SHA256:a"},
		{ServerID: 10, State: access.PlacementPlaced, GrantID: live.ID, SystemUser: "web", Fingerprint: "SHA256:a"},
		{ServerID: 10, State: access.PlacementLeaving, GrantID: live.ID, SystemUser: "web", Fingerprint: "SHA256:b", Urgent: true, LeftAt: epoch},
	} {
		ids = append(ids, insertPlacement(t, s, p).ID)
	}
	same(t, "the oldest", read(t, s, oldest), epoch)
	for what, of := range map[string]struct {
		q    access.DebtQuery
		want []int64
	}{
		"all":             {access.DebtQuery{}, []int64{ids[0], ids[1], ids[2], ids[6], ids[7], ids[8]}},
		"overdue":         {access.DebtQuery{Since: now.Add(-time.Minute)}, []int64{ids[0], ids[1], ids[6], ids[8]}},
		"the newest":      {access.DebtQuery{Newest: true, Limit: 2}, []int64{ids[8], ids[7]}},
		"between":         {access.DebtQuery{After: ids[1], Before: ids[7]}, []int64{ids[2], ids[6]}},
		"of somebody":     {access.DebtQuery{Person: "U7"}, []int64{ids[6]}},
		"of nobody known": {access.DebtQuery{Person: "U8"}, nil},
	} {
		of.q.At = now
		debt := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) { return tx.Debt(ctx, of.q) })
		same(t, what, placementIDs(debt), of.want)
		if of.q.Limit == 0 {
			same(t, "number of "+what, read(t, s, func(ctx context.Context, tx access.Tx) (int, error) { return tx.CountDebt(ctx, of.q) }), len(of.want))
		}
	}
}
