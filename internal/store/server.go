package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

const serverColumns = "id, name, tags, online, seen_at, not_found_at, asked_at, gone_at, offline_since"

func scanServer(row scanner) (s access.Server, err error) {
	err = row.Scan(&s.ID, &s.Name, words{&s.Tags}, boolean{&s.Online}, instant{&s.SeenAt}, instant{&s.NotFoundAt}, instant{&s.AskedAt}, instant{&s.GoneAt}, instant{&s.OfflineSince})
	return s, err
}

// SaveServers implements access.ServerTx. A server that was unknown so far did not
// come online: nothing waits for it.
func (t *tx) SaveServers(ctx context.Context, servers []access.Server, now time.Time) ([]int64, error) {
	known, err := t.AllServers(ctx)
	if err != nil {
		return nil, err
	}
	read := make(map[int64]access.Server, len(servers))
	for _, s := range servers {
		s.SeenAt, s.NotFoundAt, s.GoneAt, s.OfflineSince = now, time.Time{}, time.Time{}, time.Time{}
		if !s.Online {
			s.OfflineSince = now
		}
		read[s.ID] = s
	}
	var moved []int64
	for _, old := range known {
		s, there := read[old.ID]
		if there && (s.Online && !old.Online || old.Missing() || old.Gone()) {
			moved = append(moved, old.ID)
		}
		if there && !s.Online && !old.Online && !old.OfflineSince.IsZero() {
			s.OfflineSince = old.OfflineSince
			read[old.ID] = s
		}
	}
	return moved, t.putServers(ctx, slices.Collect(maps.Values(read)))
}

// SaveServer implements access.ServerTx.
func (t *tx) SaveServer(ctx context.Context, s access.Server) error {
	return t.putServers(ctx, []access.Server{s})
}

func (t *tx) putServers(ctx context.Context, servers []access.Server) error {
	all := make([][]any, 0, len(servers))
	for _, s := range servers {
		tags, err := json.Marshal(s.Tags)
		if err != nil {
			return err
		}
		all = append(all, []any{s.ID, s.Name, string(tags), bit(s.Online), ms(s.SeenAt), ms(s.NotFoundAt), ms(s.AskedAt), ms(s.GoneAt), ms(s.OfflineSince)})
	}
	return insertMany(ctx, t, "servers", serverColumns, `ON CONFLICT (id) DO UPDATE SET name = excluded.name, tags = excluded.tags,
		online = excluded.online, seen_at = excluded.seen_at, not_found_at = excluded.not_found_at, asked_at = excluded.asked_at, gone_at = excluded.gone_at,
		offline_since = excluded.offline_since`, all)
}

// Server implements access.ServerTx.
func (t *tx) Server(ctx context.Context, id int64) (access.Server, error) {
	return one(ctx, t, scanServer, "SELECT "+serverColumns+" FROM servers WHERE id = $1", id)
}

// AllServers implements access.ServerTx.
func (t *tx) AllServers(ctx context.Context) ([]access.Server, error) {
	return many(ctx, t, scanServer, "SELECT "+serverColumns+" FROM servers ORDER BY id")
}

// Servers implements access.ServerTx.
func (t *tx) Servers(ctx context.Context) ([]access.Server, error) {
	return many(ctx, t, scanServer, "SELECT "+serverColumns+" FROM servers WHERE gone_at = 0 ORDER BY name, id")
}

// DueReadings implements access.ServerTx. One of a time to come was last read when the clock
// was wrong.
func (t *tx) DueReadings(ctx context.Context, now, before time.Time, limit int) ([]access.Server, error) {
	return many(ctx, t, scanServer, "SELECT "+serverColumns+" FROM servers WHERE gone_at = 0 AND not_found_at = 0 AND (looked_at <= $1 OR looked_at > $2) ORDER BY looked_at, id LIMIT $3",
		ms(before), ms(now.Add(wrongClock)), limit)
}

// SetRead implements access.ServerTx.
func (t *tx) SetRead(ctx context.Context, servers []int64, at time.Time) error {
	c := conditions{args: []any{ms(at)}}
	addIn(&c, "id", servers)
	_, err := t.Exec(ctx, "UPDATE servers SET looked_at = $1"+c.where(), c.args...)
	return err
}
