package storetest

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func marked(t *testing.T, s *store.Store, limit int) []int64 {
	t.Helper()
	return read(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) { return tx.MarkedOutOfLine(ctx, limit) })
}

// Servers are marked until they are brought in line, those first to which access may have ended.
func testMarks(t *testing.T, s *store.Store) {
	mark := func(ends bool, servers ...int64) {
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.MarkOutOfLine(ctx, servers, ends) })
	}
	mark(false, 1, 2, 3)
	mark(true, 3, 4)
	mark(false, 4)
	same(t, "marked", marked(t, s, 0), []int64{3, 4, 1, 2})
	same(t, "the first", marked(t, s, 1), []int64{3})
	for server, want := range map[int64]bool{1: true, 5: false} {
		same(t, "a server's mark", read(t, s, func(ctx context.Context, tx access.Tx) (bool, error) { return tx.OutOfLineMark(ctx, server) }), want)
	}
	reconcile(t, s, epoch, 3, 2)
	same(t, "marked when two are in line", marked(t, s, 0), []int64{4, 1})
}

// Of what a grant that has ended covers, servers are marked where a key does not leave yet.
func testMarkEnded(t *testing.T, s *store.Store) {
	var covers []access.Cover
	for server, p := range []access.Placement{
		{State: access.PlacementPlaced}, {State: access.PlacementLeaving}, {State: access.PlacementLeaving, Urgent: true}, {State: access.PlacementWanted},
		{State: access.PlacementGone}, {State: access.PlacementPlaced, SystemUser: "root"}, {State: access.PlacementUnknown},
	} {
		p.ServerID, p.SystemUser, p.Fingerprint = int64(server+1), cmp.Or(p.SystemUser, "web"), "a"
		insertPlacement(t, s, p)
		covers = append(covers, access.Cover{ServerID: p.ServerID, Fingerprint: "a"})
	}
	covers[6].EndedAt = epoch
	covers = append(covers, access.Cover{ServerID: 1, Fingerprint: "b"})
	g := insertGrant(t, s, access.Grant{State: access.Ended, SystemUser: "web"}, covers...)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return errors.Join(tx.MarkOutOfLine(ctx, []int64{4, 5}, false), tx.MarkEnded(ctx, g.ID))
	})
	same(t, "marked", marked(t, s, 0), []int64{1, 3, 4, 5})
	same(t, "marked as ended", marked(t, s, 3), []int64{1, 3, 4})
}

func testServersAfter(t *testing.T, s *store.Store) {
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.SaveServers(ctx, "one", []access.Server{{ExternalID: "11", Name: "c"}, {ExternalID: "12", Name: "b"}, {ExternalID: "13", Name: "a"}}, epoch)
		return err
	})
	all := read(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) { return tx.ServersAfter(ctx, 0, 5) })
	same(t, "number of servers", len(all), 3)
	next := read(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) { return tx.ServersAfter(ctx, all[0], 1) })
	same(t, "after the first", next, all[1:2])
	some := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.ServersOf(ctx, all[1:2]) })
	if len(some) != 1 || some[0].Name != "b" {
		t.Errorf("the second is %+v", some)
	}
	none := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.ServersOf(ctx, nil) })
	same(t, "of no IDs", len(none), 0)
}

// Work that is queued already is not idle.
func testIdleWork(t *testing.T, s *store.Store) {
	for server, state := range []access.PlacementState{access.PlacementWanted, access.PlacementLeaving, access.PlacementLeaving} {
		insertPlacement(t, s, access.Placement{ServerID: int64(server + 1), Fingerprint: "a", State: state, NextAt: epoch})
	}
	idle := func() []access.Work {
		return read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Work, error) { return tx.IdleWork(ctx, epoch) })
	}
	add, remove := access.Work{Kind: access.WorkAdd, ID: 1}, access.Work{Kind: access.WorkRemove, ID: 2}
	if found := idle(); len(found) != 3 {
		t.Errorf("%v is idle, want work on three servers", found)
	}
	wake(t, s, add, remove)
	same(t, "idle", idle(), []access.Work{{Kind: access.WorkRemove, ID: 3}})
	setState(t, s, "completed", "CURRENT_TIMESTAMP")
	if found := idle(); len(found) != 3 {
		t.Errorf("%v is idle when the jobs have ended, want work on three servers", found)
	}
}

// A removal is owed where the key is, or may be, and for what has not ended before.
func testOweRemovals(t *testing.T, s *store.Store) {
	g := insertGrant(t, s, access.Grant{State: access.Live, SystemUser: "web"},
		access.Cover{ServerID: 1, Fingerprint: "a"}, access.Cover{ServerID: 2, Fingerprint: "a"}, access.Cover{ServerID: 3, Fingerprint: "a"},
		access.Cover{ServerID: 4, Fingerprint: "a", EndedAt: epoch}, access.Cover{ServerID: 5, Fingerprint: "a"}, access.Cover{ServerID: 5, Fingerprint: "b"})
	for server, p := range []access.Placement{
		{State: access.PlacementPlaced}, {State: access.PlacementWanted}, {State: access.PlacementGone}, {State: access.PlacementPlaced}, {State: access.PlacementUnknown},
	} {
		p.ServerID, p.SystemUser, p.Fingerprint = int64(server+1), "web", "a"
		insertPlacement(t, s, p)
	}
	insertPlacement(t, s, access.Placement{ServerID: 5, SystemUser: "root", Fingerprint: "b", State: access.PlacementPlaced})
	owed := func(request int64, q access.CoverQuery) (servers []int64) {
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.OweRemovals(ctx, request, g.ID, q, epoch) })
		for _, r := range read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Result, error) { return tx.Results(ctx, request) }) {
			want := access.NewResult(epoch, request, access.PhaseRemove, access.KeyOn{ServerID: r.ServerID, SystemUser: "web", Fingerprint: "a"}, "")
			same(t, "result", r, want)
			servers = append(servers, r.ServerID)
		}
		return servers
	}
	same(t, "all", owed(1, access.CoverQuery{}), []int64{1, 5})
	same(t, "again", owed(1, access.CoverQuery{}), []int64{1, 5})
	same(t, "on a server", owed(2, access.CoverQuery{Servers: []int64{5, 9}}), []int64{5})
	same(t, "of a key", owed(3, access.CoverQuery{Fingerprint: "b"}), nil)
}

func testGrantSize(t *testing.T, s *store.Store) {
	g := insertGrant(t, s, access.Grant{State: access.Live, Person: "U1", SystemUser: "web"},
		access.Cover{ServerID: 1, Fingerprint: "a"}, access.Cover{ServerID: 1, Fingerprint: "b"}, access.Cover{ServerID: 2, Fingerprint: "a"})
	for _, p := range []access.Placement{
		{ServerID: 1, Fingerprint: "a", SystemUser: "web", Person: "U1", State: access.PlacementPlaced},
		{ServerID: 2, Fingerprint: "a", SystemUser: "web", Person: "U1", State: access.PlacementWanted},
		{ServerID: 1, Fingerprint: "c", SystemUser: "root", Person: "U1", State: access.PlacementPlaced},
		{ServerID: 2, Fingerprint: "d", SystemUser: "web", Person: "U2", State: access.PlacementPlaced},
	} {
		insertPlacement(t, s, p)
	}
	size := func() access.GrantSize {
		return read(t, s, func(ctx context.Context, tx access.Tx) (access.GrantSize, error) { return tx.GrantSize(ctx, g.ID) })
	}
	same(t, "at first", size(), access.GrantSize{Servers: 2, Keys: 3, Placed: 1})
	insertGrant(t, s, access.Grant{State: access.Live, Person: "U1", SystemUser: "web"}, access.Cover{ServerID: 3, Fingerprint: "a"})
	insertPlacement(t, s, access.Placement{ServerID: 3, Fingerprint: "a", SystemUser: "web", Person: "U1", State: access.PlacementPlaced})
	same(t, "beside another grant", size(), access.GrantSize{Servers: 2, Keys: 3, Placed: 1})
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.EndCovers(ctx, access.CoverQuery{Person: "U1", Servers: []int64{2}}, epoch)
	})
	same(t, "with less", size(), access.GrantSize{Servers: 1, Keys: 2, Placed: 1})
}

// What happens to placements is one event for many, and stands before what follows it.
func testMoves(t *testing.T, s *store.Store) {
	keep := func(at time.Time, servers ...int64) {
		update(t, s, func(ctx context.Context, tx access.Tx) error { return keepMoves(ctx, tx, at, servers) })
	}
	details := func() (all []string) {
		for _, e := range eventsOf(t, s, 0, 100) {
			all = append(all, e.Detail)
		}
		return all
	}
	oldest := func() time.Time {
		return read(t, s, func(ctx context.Context, tx access.Tx) (time.Time, error) { return tx.OldestMove(ctx, false) })
	}
	same(t, "the oldest of none", oldest(), time.Time{})
	keep(epoch, 1, 2)
	keep(epoch.Add(time.Second), 3)
	same(t, "the oldest", oldest(), epoch)
	same(t, "events before anything else", details(), nil)
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := keepMoves(ctx, tx, epoch, []int64{9}); err != nil {
			return err
		}
		return tx.Audit(ctx, access.Event{At: epoch, Action: "a", Detail: "another"})
	})
	same(t, "events before another one", details(), []string{"a for web on places 1-3", "another"})
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SealMoves(ctx, false) })
	same(t, "events when sealed", details(), []string{"a for web on places 1-3", "another", "a for web on places 9"})
	same(t, "the oldest when sealed", oldest(), time.Time{})
	many := make([]int64, 1001)
	for i := range many {
		many[i] = int64(i + 1)
	}
	keep(epoch, many...)
	same(t, "events of very many", details()[3:], []string{"a for web on places 1-1001"})
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		renewed := access.Move{Renewal: true, Action: access.DidPlacementPlaced, Placement: access.Placement{GrantID: 4, ServerID: 5, Fingerprint: "a"}}
		return tx.KeepMoves(ctx, epoch, []access.Move{renewed})
	})
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		return tx.Audit(ctx, access.Event{At: epoch, Action: "b"})
	})
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SealMoves(ctx, false) })
	same(t, "events beside a renewal", len(details()), 5)
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SealMoves(ctx, true) })
	same(t, "events with the renewal", len(details()), 6)
	for _, e := range eventsOf(t, s, 0, 1) {
		same(t, "when", e.At, epoch.Add(time.Second))
	}
}

func keepMoves(ctx context.Context, tx access.Tx, at time.Time, servers []int64) error {
	moves := make([]access.Move, len(servers))
	for i, id := range servers {
		moves[i] = access.Move{
			From: access.PlacementUnknown, Action: access.DidPlacementPlaced,
			Placement: access.Placement{GrantID: 4, ServerID: id, SystemUser: "web", Fingerprint: "a", State: access.PlacementPlaced},
		}
	}
	return tx.KeepMoves(ctx, at, moves)
}
