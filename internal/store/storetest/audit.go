package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// The chain is whole after many transactions that wrote at the same time, some of which failed.
func testAuditChain(t *testing.T, s *store.Store) {
	const writers, each = 20, 5
	failed := errors.New("undone")
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				err := s.Update(t.Context(), func(tx access.Tx) error {
					for _, action := range []string{"first", "second"} {
						e := access.Event{At: epoch, Action: access.Action(action), Noun: access.NounRequest, NounID: fmt.Sprint(w, n)}
						if err := tx.Audit(t.Context(), e); err != nil {
							return err
						}
					}
					if n == 0 {
						return failed
					}
					return nil
				})
				if err != nil && !errors.Is(err, failed) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	chain := eventsOf(t, s, 0, 10_000)
	same(t, "number of events", len(chain), writers*(each-1)*2)
	var prev access.Event
	for _, e := range chain {
		if err := e.VerifyNext(prev); err != nil {
			t.Fatal(err)
		}
		if e.Action == "second" && e.NounID != prev.NounID {
			t.Error("two transactions are mixed")
		}
		prev = e
	}
	same(t, "a part", eventsOf(t, s, 3, 2), chain[3:5])
}

func testAuditOnlyGrows(t *testing.T, s *store.Store) {
	want := filled[access.Event](0)
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.Audit(ctx, want) })
	want = want.Seal(access.Event{})
	for _, statement := range []string{"UPDATE audit SET actor = 'U9'", "DELETE FROM audit"} {
		if err := exec(t, s, statement); err == nil {
			t.Errorf("%s was let through", statement)
		}
	}
	same(t, "the log", eventsOf(t, s, 0, 9), []access.Event{want})
}

// eventsOf reads a part of the audit log.
func eventsOf(t *testing.T, s *store.Store, after int64, limit int) []access.Event {
	t.Helper()
	events, err := s.Events(t.Context(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// exec runs a statement that the ledger has no method for.
func exec(t *testing.T, s *store.Store, statement string) error {
	t.Helper()
	if db := s.SQLite(); db != nil {
		_, err := db.ExecContext(t.Context(), statement)
		return err
	}
	_, err := s.Postgres().Exec(t.Context(), statement)
	return err
}

// query reads one value that the ledger has no method for.
func query[T any](t *testing.T, s *store.Store, statement string) (value T) {
	t.Helper()
	var err error
	if db := s.SQLite(); db != nil {
		err = db.QueryRowContext(t.Context(), statement).Scan(&value)
	} else {
		err = s.Postgres().QueryRow(t.Context(), statement).Scan(&value)
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}
