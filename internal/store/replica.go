package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"sshkeybot/internal/access"
)

// lease is an advisory lock that shows the other replicas that this process is running. A
// session of its own holds it, so PostgreSQL releases it when the process dies.
type lease struct {
	config  *pgx.ConnConfig
	replica string
	key     int64

	mu   sync.Mutex
	conn *pgx.Conn
}

// ensure takes the lock unless it is held already, also after its session was lost. The error
// has code Conflict if another process runs with the same name.
func (l *lease) ensure(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && l.conn.Ping(ctx) == nil {
		return nil
	}
	l.drop()
	config := l.config.Copy()
	config.RuntimeParams["application_name"] = "sshkeybot " + l.replica
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("open the lease's session: %w", err)
	}
	l.conn = conn
	if err := l.take(ctx); err != nil {
		l.drop()
		return err
	}
	return nil
}

func (l *lease) take(ctx context.Context) error {
	// With these, PostgreSQL ends the session within seconds if the machine vanished without
	// closing its connections (keepalives), or if the process is paused (no ensure for 15s).
	// Without them, the work of such a replica would be held for hours.
	const settings = "SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false), " +
		"set_config('tcp_keepalives_count', '3', false), set_config('idle_session_timeout', '15s', false)"
	if _, err := l.conn.Exec(ctx, settings); err != nil {
		return fmt.Errorf("prepare the lease's session: %w", err)
	}
	var mine bool
	if err := l.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", l.key).Scan(&mine); err != nil {
		return fmt.Errorf("take the lease: %w", err)
	}
	if !mine {
		return cannotOpen(access.Conflict, fmt.Sprintf("Another process runs as replica %q. Give each its own name.", l.replica), nil)
	}
	_, err := l.conn.Exec(ctx, "INSERT INTO replicas (id, seen_at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
		l.replica, ms(time.Now()))
	if err != nil {
		return fmt.Errorf("register the replica: %w", err)
	}
	return nil
}

// drop ends the session and releases the lock.
func (l *lease) drop() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	// If it only closed the session, the lock would be held until the server notices, and this
	// replica, started anew, would be refused its own name.
	_, _ = l.conn.Exec(ctx, "SELECT pg_advisory_unlock_all()")
	_ = l.conn.Close(ctx) // its socket is closed whatever the server answers
	l.conn = nil
}

func (l *lease) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop()
}

// ReleaseDead makes the work of replicas that died available to the others: the jobs that
// they ran, and the placements and envelopes that they held; and the jobs in queues that
// nobody may serve any more. It returns their names. Every replica must call it every few
// seconds, which also keeps its own lease. On SQLite there are no other replicas, and it does
// nothing.
//
// A replica that was only paused may be taken for dead and go on later. That loses nothing:
// what it writes is conditional on the state it has read, and the call it was making is
// settled by reading the server's list.
func (s *Store) ReleaseDead(ctx context.Context) ([]string, error) {
	db, ok := s.db.(*postgresDB)
	if !ok {
		return nil, nil
	}
	if err := db.lease.ensure(ctx); err != nil {
		return nil, err
	}
	others, err := db.others(ctx, s.replica)
	if err != nil {
		return nil, err
	}
	var released []string
	for _, replica := range others {
		dead, err := db.releaseIfDead(ctx, replica)
		if err != nil {
			return released, err
		}
		if dead {
			released = append(released, replica)
		}
	}
	if err := db.releaseJobs(ctx); err != nil {
		return released, err
	}
	return released, db.update(ctx, func(t *tx) error { return t.gather(ctx, s.split.Load()) }) // who enqueues the same jobs meanwhile waits
}

// releaseJobs releases the jobs that no known replica runs. Those of a dead one are released
// again and again, not once with the rest: it may have been killed while it was fetching some,
// and the server may carry that statement out after the replica was found dead.
func (db *postgresDB) releaseJobs(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, `UPDATE river_job SET state = 'available', scheduled_at = now()
		WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] NOT IN (SELECT id FROM replicas)`)
	return err
}

func (db *postgresDB) others(ctx context.Context, self string) (ids []string, err error) {
	err = db.read(ctx, func(t *tx) error {
		ids, err = many(ctx, t, column[string], "SELECT id FROM replicas WHERE id <> $1 ORDER BY id", self)
		return err
	})
	return ids, err
}

// releaseIfDead releases what a replica held if its lease is free, and reports whether it was.
// It keeps the lease until the commit, so that meanwhile no other replica releases the same,
// and the replica itself, started anew, cannot begin work that would be released under it.
func (db *postgresDB) releaseIfDead(ctx context.Context, replica string) (dead bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		dead, err = one(ctx, t, column[bool], "SELECT pg_try_advisory_xact_lock($1)", db.lockKey("replica", replica))
		if err != nil || !dead {
			return err
		}
		return t.releaseReplica(ctx, replica)
	})
	return dead && err == nil, err
}

// releaseReplica makes what a replica held available, and leaves its jobs to releaseJobs. Its placements are due at once: what
// became of the call that was under way is found out by reading the server.
func (t *tx) releaseReplica(ctx context.Context, replica string) error {
	for _, query := range []string{
		"UPDATE placements SET holder = '', next_at = 0 WHERE holder = $1",
		"UPDATE inbox SET held_until = 0, holder = '' WHERE handled = 0 AND holder = $1",
		"DELETE FROM replicas WHERE id = $1",
	} {
		if _, err := t.Exec(ctx, query, replica); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseAll makes everything that the process before this one was doing when it died
// available again. It must be called before the queue starts. On SQLite the file's lock rules
// out that another process is still at work. On PostgreSQL others may be, and ReleaseAll does
// nothing: see ReleaseDead.
func (s *Store) ReleaseAll(ctx context.Context) error {
	db, ok := s.db.(*sqliteDB)
	if !ok {
		return nil
	}
	return db.update(ctx, func(t *tx) error {
		for _, query := range []string{
			"UPDATE river_job SET state = 'available', scheduled_at = datetime('now', 'subsec') WHERE state = 'running'",
			"DELETE FROM river_leader", // which River would otherwise wait for to expire
			"UPDATE placements SET holder = '', next_at = 0 WHERE holder <> ''",
			"UPDATE inbox SET held_until = 0, holder = '' WHERE handled = 0",
		} {
			if _, err := t.Exec(ctx, query); err != nil {
				return err
			}
		}
		return t.gather(ctx, s.split.Load())
	})
}
