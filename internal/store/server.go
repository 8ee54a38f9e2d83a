package store

import (
	"context"
	"encoding/json"
	"time"

	"sshkeybot/internal/access"
)

const serverColumns = "id, name, tags, online, seen_at, gone_at, offline_since"

func scanServer(row scanner) (s access.Server, err error) {
	err = row.Scan(&s.ID, &s.Name, words{&s.Tags}, boolean{&s.Online}, instant{&s.SeenAt}, instant{&s.GoneAt}, instant{&s.OfflineSince})
	return s, err
}

// SaveServers implements access.ServerTx. A server that was unknown so far did not
// come online: nothing waits for it.
func (t *tx) SaveServers(ctx context.Context, servers []access.Server, complete bool, now time.Time) ([]int64, error) {
	known, err := t.AllServers(ctx)
	if err != nil {
		return nil, err
	}
	read := make(map[int64]access.Server, len(servers))
	for _, s := range servers {
		s.SeenAt, s.GoneAt, s.OfflineSince = now, time.Time{}, time.Time{}
		if !s.Online {
			s.OfflineSince = now
		}
		read[s.ID] = s
	}
	var moved []int64
	for _, old := range known {
		s, there := read[old.ID]
		if !there && complete && old.GoneAt.IsZero() {
			old.GoneAt = now
			read[old.ID] = old
			moved = append(moved, old.ID)
		}
		if there && s.Online && (!old.Online || !old.GoneAt.IsZero()) {
			moved = append(moved, old.ID)
		}
		if there && !s.Online && !old.Online && !old.OfflineSince.IsZero() {
			s.OfflineSince = old.OfflineSince
			read[old.ID] = s
		}
	}
	return moved, t.putServers(ctx, read)
}

func (t *tx) putServers(ctx context.Context, servers map[int64]access.Server) error {
	all := make([][]any, 0, len(servers))
	for _, s := range servers {
		tags, err := json.Marshal(s.Tags)
		if err != nil {
			return err
		}
		all = append(all, []any{s.ID, s.Name, string(tags), bit(s.Online), ms(s.SeenAt), ms(s.GoneAt), ms(s.OfflineSince)})
	}
	return insertMany(ctx, t, "servers", serverColumns, `ON CONFLICT (id) DO UPDATE SET name = excluded.name, tags = excluded.tags,
		online = excluded.online, seen_at = excluded.seen_at, gone_at = excluded.gone_at, offline_since = excluded.offline_since`, all)
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
