package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Foremost reports whether this process speaks for all replicas while the ledger cannot
// be written: it holds a lock, for which nothing has to be written, until StepBack.
// Where PostgreSQL cannot be asked, each speaks for itself. It is for one goroutine.
func (s *Store) Foremost(ctx context.Context) bool {
	db, ok := s.db.(*postgresDB)
	if !ok {
		return true
	}
	if db.foremost == nil {
		conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
		if err != nil {
			return true
		}
		db.foremost = conn
	}
	mine := true
	err := db.foremost.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", db.lockKey("foremost", "")).Scan(&mine)
	if err != nil || !mine {
		db.stepBack()
	}
	return mine
}

// StepBack lets another replica be the foremost.
func (s *Store) StepBack() {
	if db, ok := s.db.(*postgresDB); ok {
		db.stepBack()
	}
}

func (db *postgresDB) stepBack() {
	if db.foremost == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	_ = db.foremost.Close(ctx) // its lock goes with it
	db.foremost = nil
}
