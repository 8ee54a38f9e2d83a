package store

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// EventsSQL returns the query that reads events, for a look at its plan.
func EventsSQL(q access.EventQuery) (query string, args []any) { return eventsSQL(q) }

// InUse asks what a request is kept for.
func InUse(ctx context.Context, t access.Tx) error {
	_, err := t.(*tx).inUse(ctx, 1, time.Now()) //nolint:forcetypeassert // it is ours
	return err
}

// Backlog asks what waits.
func Backlog(ctx context.Context, t access.Tx) error {
	_, _, err := t.(*tx).backlog(ctx, time.Now()) //nolint:forcetypeassert // it is ours
	return err
}

// Scans returns what the statements of fn read from its beginning to its end on SQLite, as its
// plans say it: a table, by the name that the statement has for it, and with which index.
func Scans(t *testing.T, s *Store, fn func(context.Context, access.Tx) error) (scans []string) {
	t.Helper()
	err := s.update(t.Context(), func(own *tx) error {
		own.querier = &explainer{t: t, querier: own.querier, scans: &scans}
		return fn(t.Context(), own)
	})
	if err != nil {
		t.Fatal(err)
	}
	return scans
}

// manyRows matches the search for everything that ever was on a server, or of a person.
var manyRows = regexp.MustCompile(`placements_(history|credential|person) \((place_id|person)=\?\)|grants_person|results_removed \(place_id=\?\)`)

type explainer struct {
	querier

	t     *testing.T
	scans *[]string
}

func (e *explainer) explain(ctx context.Context, query string, args []any) {
	e.t.Helper()
	scan := func(row scanner) (detail string, err error) {
		var ids [3]int64
		return detail, row.Scan(&ids[0], &ids[1], &ids[2], &detail)
	}
	plan, err := many(ctx, e.querier, scan, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, step := range plan {
		what, ok := strings.CutPrefix(step, "SCAN ")
		if ok || manyRows.MatchString(step) {
			*e.scans = append(*e.scans, what)
		}
	}
}

func (e *explainer) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	e.explain(ctx, query, args)
	return e.querier.Exec(ctx, query, args...)
}

func (e *explainer) Query(ctx context.Context, query string, args ...any) (rows, error) {
	e.explain(ctx, query, args)
	return e.querier.Query(ctx, query, args...)
}
