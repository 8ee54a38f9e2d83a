package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// TryLead reports whether this process leads the replicas. While the ledger cannot be
// written, all of them notice, and the leader alone says so in Slack. The leader holds an
// advisory lock, which can be taken without writing, until Resign or until it dies. On SQLite
// there is one process, which leads.
//
// If PostgreSQL cannot be reached, TryLead returns true: nobody can tell which replicas are
// cut off, and that several say the same is better than that nobody does. TryLead and Resign
// must be called by one goroutine.
func (s *Store) TryLead(ctx context.Context) bool {
	db, ok := s.db.(*postgresDB)
	if !ok {
		return true
	}
	if db.leading == nil {
		conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
		if err != nil {
			return true
		}
		db.leading = conn
	}
	mine := true
	err := db.leading.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", db.lockKey("foremost", "")).Scan(&mine)
	if err != nil || !mine {
		db.resign() // a session that failed may have lost the lock: the next call opens another
	}
	return mine
}

// Resign lets another replica lead.
func (s *Store) Resign() {
	if db, ok := s.db.(*postgresDB); ok {
		db.resign()
	}
}

func (db *postgresDB) resign() {
	if db.leading == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	_ = db.leading.Close(ctx) // this releases its lock
	db.leading = nil
}
