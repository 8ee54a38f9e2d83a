package store

import (
	"context"
	"database/sql"
	"sync"
)

// Parsing a statement costs SQLite as much as running it. Statements that come again
// are therefore kept prepared, but for those whose length varies with their data.
const (
	mostStatements = 256
	mostParameters = 40
)

// statements keeps the prepared statements of one pool of connections.
type statements struct {
	pool *sql.DB

	mu     sync.RWMutex
	ready  map[string]*sql.Stmt
	wanted map[string]bool
}

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, ready: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// find answers a query's prepared statement; nil until it has been prepared, which
// this asks for.
func (s *statements) find(query string, args int) *sql.Stmt {
	if args > mostParameters {
		return nil
	}
	s.mu.RLock()
	stmt, asked := s.ready[query], s.wanted[query]
	s.mu.RUnlock()
	if stmt == nil && !asked {
		s.mu.Lock()
		s.wanted[query] = len(s.ready)+len(s.wanted) < mostStatements
		s.mu.Unlock()
	}
	return stmt
}

// prepare prepares what was asked for. It needs a connection, so it must not be
// called inside a transaction. What cannot be prepared is run as it is.
func (s *statements) prepare(ctx context.Context) {
	s.mu.Lock()
	var queries []string
	for query, now := range s.wanted {
		if now {
			queries = append(queries, query)
			s.wanted[query] = false
		}
	}
	s.mu.Unlock()
	for _, query := range queries {
		stmt, err := s.pool.PrepareContext(ctx, query) //nolint:sqlclosecheck // closed with the pool
		if err != nil {
			continue
		}
		s.mu.Lock()
		s.ready[query] = stmt
		s.mu.Unlock()
	}
}

// close gives the statements back.
func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stmt := range s.ready {
		_ = stmt.Close() // the pool is closed next
	}
	clear(s.ready)
}
