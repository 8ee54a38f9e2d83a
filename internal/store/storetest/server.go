package storetest

import (
	"context"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func testServers(t *testing.T, s *store.Store) {
	now := epoch
	a := access.Server{ID: 1, Name: "a", Tags: []string{"x", `y"`}, Online: true}
	b := access.Server{ID: 2, Name: "b", Tags: []string{}}
	save := func(complete bool, servers ...access.Server) []int64 {
		t.Helper()
		now = now.Add(time.Second)
		return written(t, s, func(ctx context.Context, tx access.Tx) ([]int64, error) {
			return tx.SaveServers(ctx, servers, complete, now)
		})
	}
	at := func(s access.Server, seen, gone time.Time) access.Server {
		s.SeenAt, s.GoneAt = seen, gone
		if !s.Online {
			s.OfflineSince = seen
		}
		return s
	}
	servers := func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.Servers(ctx) }

	same(t, "a first reading moves nothing", save(true, b, a), nil)
	first := now
	same(t, "by name", read(t, s, servers), []access.Server{at(a, first, time.Time{}), at(b, first, time.Time{})})
	b.Online = true
	same(t, "b came online", save(false, b), []int64{2})
	same(t, "an incomplete reading loses nobody", read(t, s, servers), []access.Server{at(a, first, time.Time{}), at(b, now, time.Time{})})
	a.Online, a.Name = false, "z"
	same(t, "b disappeared", save(true, a, a), []int64{2})
	same(t, "a renamed and offline", read(t, s, servers), []access.Server{at(a, now, time.Time{})})
	gone := read(t, s, func(ctx context.Context, tx access.Tx) (access.Server, error) { return tx.Server(ctx, 2) })
	same(t, "b is remembered", gone, at(b, gone.SeenAt, now))
	all := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Server, error) { return tx.AllServers(ctx) })
	same(t, "all that were ever read", all, []access.Server{at(a, now, time.Time{}), gone})
	same(t, "it disappears once", save(true, a), nil)
	same(t, "b is back", save(true, a, b), []int64{2})
	since := now
	save(false, a)
	save(true, a, b)
	server := func(ctx context.Context, tx access.Tx) (access.Server, error) { return tx.Server(ctx, 1) }
	if got := read(t, s, server); !got.OfflineSince.Before(since) || got.SeenAt != now {
		t.Errorf("offline since %v, want the first of the readings", got.OfflineSince)
	}
	a.Online = true
	save(false, a)
	same(t, "online again", read(t, s, server), at(a, now, time.Time{}))
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		_, err := tx.Server(ctx, 3)
		notFound(t, err)
		return nil
	})
}
