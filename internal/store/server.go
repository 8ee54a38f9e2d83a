package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

const serverColumns = "target, external_id, name, tags, online, seen_at, not_found_at, asked_at, gone_at, offline_since, address"

func serverValues(s access.Server) ([]any, error) {
	tags, err := json.Marshal(s.Tags)
	return []any{s.Target, s.ExternalID, s.Name, string(tags), bit(s.Online), ms(s.SeenAt), ms(s.NotFoundAt), ms(s.AskedAt), ms(s.GoneAt), ms(s.OfflineSince), s.Address}, err
}

func scanServer(row scanner) (s access.Server, err error) {
	err = row.Scan(&s.ID, &s.Target, &s.ExternalID, &s.Name, words{&s.Tags}, boolean{&s.Online}, instant{&s.SeenAt}, instant{&s.NotFoundAt}, instant{&s.AskedAt}, instant{&s.GoneAt},
		instant{&s.OfflineSince}, &s.Address)
	return s, err
}

// SaveServers implements access.ServerTx. It does not return a server that is new: no work
// can be waiting for it. Those of which nothing has changed but that they were seen again,
// nearly all, take one statement.
func (t *tx) SaveServers(ctx context.Context, target string, servers []access.Server, now time.Time) ([]int64, error) {
	all, err := many(ctx, t, scanServer, "SELECT id, "+serverColumns+" FROM places WHERE target = $1", target)
	if err != nil {
		return nil, err
	}
	known := make(map[string]access.Server, len(all))
	for _, s := range all {
		known[s.ExternalID] = s
	}
	last := make(map[string]int, len(servers))
	for i, s := range servers {
		last[s.ExternalID] = i
	}
	var moved, same []int64
	var values [][]any
	for i, s := range servers {
		if last[s.ExternalID] != i {
			continue // twice in the list, as when it moved to another page meanwhile: the later one counts
		}
		old, met := known[s.ExternalID]
		if met && (s.Online && !old.Online || old.Missing() || old.Gone()) {
			moved = append(moved, old.ID)
		}
		s.Target, s.SeenAt, s.NotFoundAt, s.GoneAt, s.OfflineSince = target, now, time.Time{}, time.Time{}, time.Time{}
		if !s.Online {
			s.OfflineSince = now
		}
		if !s.Online && met && !old.Online && !old.OfflineSince.IsZero() {
			s.OfflineSince = old.OfflineSince
		}
		old.SeenAt = now
		row, err := serverValues(s)
		before, errBefore := serverValues(old)
		switch {
		case errors.Join(err, errBefore) != nil:
			return nil, errors.Join(err, errBefore)
		case met && slices.Equal(row, before):
			same = append(same, old.ID)
		default:
			values = append(values, append(row, 0))
		}
	}
	slices.Sort(moved)
	if err := t.seen(ctx, same, now); err != nil {
		return nil, err
	}
	return moved, insertMany(ctx, t, "places", serverColumns+", read_at", `ON CONFLICT (target, external_id) DO UPDATE SET name = excluded.name, tags = excluded.tags,
		online = excluded.online, seen_at = excluded.seen_at, not_found_at = excluded.not_found_at, asked_at = excluded.asked_at, gone_at = excluded.gone_at,
		offline_since = excluded.offline_since, address = excluded.address`, values)
}

// seen stores that servers were in a list that was read then.
func (t *tx) seen(ctx context.Context, servers []int64, at time.Time) error {
	for some := range slices.Chunk(servers, idsAtOnce) {
		c := conditions{args: []any{ms(at)}}
		addIn(&c, "id", some)
		if _, err := t.Exec(ctx, "UPDATE places SET seen_at = $1"+c.where(), c.args...); err != nil {
			return err
		}
	}
	return nil
}

// SaveServer implements access.ServerTx.
func (t *tx) SaveServer(ctx context.Context, s access.Server) error {
	values, err := serverValues(s)
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, "UPDATE places SET "+assignments(serverColumns, 2)+" WHERE id = $1", append([]any{s.ID}, values...)...)
	return err
}

// Server implements access.ServerTx.
func (t *tx) Server(ctx context.Context, id int64) (access.Server, error) {
	return one(ctx, t, scanServer, "SELECT id, "+serverColumns+" FROM places WHERE id = $1", id)
}

// AllServers implements access.ServerTx.
func (t *tx) AllServers(ctx context.Context) ([]access.Server, error) {
	return many(ctx, t, scanServer, "SELECT id, "+serverColumns+" FROM places ORDER BY id")
}

// ServersAfter implements access.ServerTx.
func (t *tx) ServersAfter(ctx context.Context, id int64, most int) ([]int64, error) {
	return many(ctx, t, column[int64], "SELECT id FROM places WHERE id > $1 ORDER BY id"+limit(most), id)
}

// ServersOf implements access.ServerTx.
func (t *tx) ServersOf(ctx context.Context, ids []int64) (all []access.Server, err error) {
	for some := range slices.Chunk(ids, idsAtOnce) {
		var c conditions
		addIn(&c, "id", some)
		found, err := many(ctx, t, scanServer, "SELECT id, "+serverColumns+" FROM places"+c.where(), c.args...)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// Servers implements access.ServerTx.
func (t *tx) Servers(ctx context.Context) ([]access.Server, error) {
	return many(ctx, t, scanServer, "SELECT id, "+serverColumns+" FROM places WHERE gone_at = 0 ORDER BY name, id")
}

// CountServers implements access.ServerTx.
func (t *tx) CountServers(ctx context.Context, target string) (int, error) {
	return one(ctx, t, column[int], "SELECT COUNT(*) FROM places WHERE target = $1 AND gone_at = 0", target)
}

// Away implements access.ServerTx.
func (t *tx) Away(ctx context.Context) ([]access.Server, error) {
	return many(ctx, t, scanServer, "SELECT id, "+serverColumns+" FROM places WHERE (online = 0 OR not_found_at > 0 OR gone_at > 0) ORDER BY name, id")
}

// DueReadings implements access.ServerTx. A server that was read in the future, by a clock
// that was wrong, is due.
func (t *tx) DueReadings(ctx context.Context, targets []string, now, before time.Time, limit int) ([]access.Server, error) {
	c := conditions{args: []any{ms(before), ms(now.Add(wrongClock)), limit}}
	c.add("gone_at = 0 AND not_found_at = 0 AND (read_at <= $1 OR read_at > $2)")
	addIn(&c, "target", targets)
	return many(ctx, t, scanServer, "SELECT id, "+serverColumns+" FROM places"+c.where()+" ORDER BY read_at, id LIMIT $3", c.args...)
}

// SetRead implements access.ServerTx.
func (t *tx) SetRead(ctx context.Context, servers []int64, at time.Time) error {
	c := conditions{args: []any{ms(at)}}
	addIn(&c, "id", servers)
	_, err := t.Exec(ctx, "UPDATE places SET read_at = $1"+c.where(), c.args...)
	return err
}
