package store

import (
	"context"
	"database/sql"
	"sync"
)

// Parsing a statement costs SQLite as much as running it, so statements that are run again
// are prepared. Those with many parameters are not: their text varies with the data.
const (
	mostStatements = 256
	mostParameters = 40
)

// statements is a cache of prepared statements for one pool of connections.
type statements struct {
	pool *sql.DB

	mu     sync.RWMutex
	ready  map[string]*sql.Stmt
	wanted map[string]bool // queries that were run: true until prepare has taken them up
}

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, ready: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// find returns the prepared statement of a query. It returns nil if there is none yet, and
// has the next call of prepare prepare it.
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

// prepare prepares the queries that find did not find. It must not be called inside a
// transaction: it needs a connection, of which the writer has one. A query that cannot be
// prepared is run without.
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

// close closes the statements.
func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stmt := range s.ready {
		_ = stmt.Close() // the pool is closed next
	}
	clear(s.ready)
}
