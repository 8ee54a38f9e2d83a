package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testReadings(t *testing.T, s *store.Store) {
	hour := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.SaveServers(ctx, "one", []access.Server{{ExternalID: "11", Name: "a"}, {ExternalID: "12", Name: "b"}, {ExternalID: "13", Name: "c"}, {ExternalID: "14", Name: "d"}}, epoch)
		return err
	})
	look := func(at time.Time, servers ...int64) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetRead(ctx, servers, at) })
	}
	due := func(limit int) (ids []int64) {
		t.Helper()
		for _, server := range read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) {
			return tx.DueReadings(ctx, []string{"one"}, hour(2), hour(1), limit)
		}) {
			ids = append(ids, server.ID)
		}
		return ids
	}
	same(t, "none was ever read", due(9), []int64{1, 2, 3, 4})
	look(hour(1), 1)
	look(hour(0), 2)
	look(hour(2), 3)
	look(hour(200), 4) // by a clock that was wrong
	same(t, "the longest ago first", due(9), []int64{2, 1, 4})
	same(t, "one of them", due(1), []int64{2})
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		if err := tx.SaveServer(ctx, access.Server{ID: 2, Target: "one", ExternalID: "12", Name: "b", NotFoundAt: epoch}); err != nil {
			return err
		}
		if err := tx.SaveServer(ctx, access.Server{ID: 4, Target: "one", ExternalID: "14", Name: "d", NotFoundAt: epoch, GoneAt: hour(1)}); err != nil {
			return err
		}
		_, err := tx.SaveServers(ctx, "one", []access.Server{{ExternalID: "11", Name: "a"}, {ExternalID: "13", Name: "c"}}, hour(2))
		return err
	})
	same(t, "without those that are not found", due(9), []int64{1})
	look(time.Time{})
	same(t, "all are to be read", due(9), []int64{1, 3})
}

// Servers of two targets may have the same ExternalID and name.
func testTargetsApart(t *testing.T, s *store.Store) {
	same1 := access.Server{ExternalID: "7", Name: "web", Tags: []string{}, Online: true}
	save := func(target string, servers ...access.Server) []int64 {
		t.Helper()
		return written(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) {
			return tx.SaveServers(ctx, target, servers, epoch)
		})
	}
	save("one", same1)
	save("two", same1)
	away := same1
	away.Online = false
	save("one", away)
	same(t, "the server of one came online", save("one", same1), []int64{1})
	all := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.AllServers(ctx) })
	if len(all) != 2 || all[0].ID == all[1].ID || all[0].Target != "one" || all[1].Target != "two" {
		t.Errorf("%+v, want one server on each target", all)
	}
	due := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) {
		return tx.DueReadings(ctx, []string{"two"}, epoch, epoch, 9)
	})
	same(t, "due on one target", due, all[1:])
	on := insertPlacement(t, s, access.Placement{ServerID: all[1].ID, State: access.PlacementGone})
	insertPlacement(t, s, access.Placement{ServerID: all[0].ID, State: access.PlacementGone})
	found := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) {
		return tx.Placements(ctx, access.PlacementQuery{Target: "two"})
	})
	same(t, "placements on one target", found, []access.Placement{on})
}

func testTargets(t *testing.T, s *store.Store) {
	target := func(name string) access.TargetState {
		t.Helper()
		return read(t, s, func(ctx context.Context, tx access.Tx) (access.TargetState, error) { return tx.Target(ctx, name) })
	}
	save := func(state access.TargetState) access.TargetState {
		t.Helper()
		return written(t, s, func(ctx context.Context, tx access.Tx) (access.TargetState, error) { return tx.SaveTarget(ctx, state) })
	}
	same(t, "one that was never met", target("b"), access.TargetState{Name: "b"})
	b := save(access.TargetState{Name: "b", ListedAt: epoch, Doubt: "empty"})
	a := filled[access.TargetState](0)
	a.ID, a.Name = 0, "a"
	a = save(a)
	if a.ID == 0 || b.ID == 0 || a.ID == b.ID {
		t.Errorf("ids %d and %d", a.ID, b.ID)
	}
	b.Doubt, b.HaltedAt = "", epoch.Add(time.Hour)
	same(t, "saved again", save(b), b)
	same(t, "as saved", target("a"), a)
	all := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.TargetState, error) { return tx.Targets(ctx) })
	same(t, "by name", all, []access.TargetState{a, b})
}

func testServers(t *testing.T, s *store.Store) {
	now := epoch
	a := access.Server{ID: 2, Target: "one", ExternalID: "a1", Name: "a", Tags: []string{"x", `y"`}, Online: true, Address: "198.18.0.1"}
	b := access.Server{ID: 1, Target: "one", ExternalID: "b1", Name: "b", Tags: []string{}}
	save := func(servers ...access.Server) []int64 {
		t.Helper()
		now = now.Add(time.Second)
		return written(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) {
			return tx.SaveServers(ctx, "one", servers, now)
		})
	}
	put := func(server access.Server) access.Server {
		t.Helper()
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SaveServer(ctx, server) })
		return server
	}
	at := func(s access.Server, seen time.Time) access.Server {
		s.SeenAt = seen
		return s
	}
	servers := func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.Servers(ctx) }

	same(t, "a first reading moves nothing", save(b, a), nil)
	first := now
	b.OfflineSince = first
	same(t, "by name", read(t, s, servers), []access.Server{at(a, first), at(b, first)})
	b.Online, b.OfflineSince = true, time.Time{}
	same(t, "b came online", save(b), []int64{1})
	same(t, "what was not read stays as it is", read(t, s, servers), []access.Server{at(a, first), at(b, now)})
	a.Online, a.Name = false, "z"
	same(t, "a went offline", save(a, a), nil)
	a.OfflineSince = now
	missing := at(b, now.Add(-time.Second))
	missing.NotFoundAt, missing.AskedAt = now, now.Add(time.Minute)
	put(missing)
	same(t, "a renamed, b missing and still there", read(t, s, servers), []access.Server{missing, at(a, now)})
	same(t, "b was only missing", save(a, b), []int64{1})
	gone := at(b, now)
	gone.NotFoundAt, gone.AskedAt, gone.GoneAt = now, now, now.Add(time.Hour)
	put(gone)
	same(t, "b is gone", read(t, s, servers), []access.Server{at(a, now)})
	all := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.AllServers(ctx) })
	same(t, "all that were ever read", all, []access.Server{gone, at(a, now)})
	same(t, "a list that lacks it changes nothing", save(a), nil)
	same(t, "b is back", save(a, b), []int64{1})
	same(t, "as if it had never been away", read(t, s, servers), []access.Server{at(b, now), at(a, now)})
	server := func(ctx context.Context, tx access.Tx) (access.Server, error) { return tx.Server(ctx, 2) }
	same(t, "offline since the first of the readings", read(t, s, server), at(a, now))
	a.Online, a.OfflineSince = true, time.Time{}
	save(a)
	same(t, "online again", read(t, s, server), at(a, now))
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.Server(ctx, 3)
		notFound(t, err)
		return nil
	})
}
