package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

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
	for _, statement := range []string{
		"UPDATE audit SET actor = 'U9'", "DELETE FROM audit", "UPDATE audit_about SET subject = 'U9'", "DELETE FROM audit_about",
	} {
		if err := exec(t, s, statement); err == nil {
			t.Errorf("%s was let through", statement)
		}
	}
	same(t, "the log", eventsOf(t, s, 0, 9), []access.Event{want})
}

// An event is about what its noun names when it is recorded, and is found by that.
func testAuditSubjects(t *testing.T, s *store.Store) {
	asked := insertRequest(t, s, access.Request{Source: "1", Asker: "U1", Person: "U2"})
	longer := insertRequest(t, s, access.Request{Source: "2", Asker: "U2", Person: "U2"})
	grant := insertGrant(t, s, access.Grant{RequestID: asked.ID, Person: "U2"})
	placed := insertPlacement(t, s, access.Placement{ServerID: 1, Person: "U2", GrantID: grant.ID, Fingerprint: "f"})
	picked := insertPlacement(t, s, access.Placement{ServerID: 1, Person: "U2", Picked: "4711"})
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		err := tx.InsertResults(ctx, []access.Result{{RequestID: longer.ID, Phase: access.PhaseRemove, ServerID: 1, Picked: "4711", State: access.Waiting}})
		record := func(actor access.UserID, noun access.Noun, id int64, also ...access.Subject) {
			err = errors.Join(err, access.Record(ctx, tx, epoch, actor, "any", noun, id, "", "", "", also...))
		}
		record("U1", access.NounRequest, asked.ID)
		record("U3", access.NounGrant, grant.ID, access.AboutRequest(longer.ID))
		record("", access.NounPlacement, placed.ID)
		record("U3", access.NounPlacement, picked.ID)
		record("", access.NounClock, 0)
		record("U3", access.NounRequest, 99) // not in the ledger
		return errors.Join(err, tx.Audit(ctx, access.Event{Action: "any", Noun: access.NounKey, NounID: "f", About: "U4"}))
	})
	var about []string
	for _, e := range eventsOf(t, s, 0, 99) {
		about = append(about, e.About)
	}
	first, second := string(access.AboutRequest(asked.ID)), string(access.AboutRequest(longer.ID))
	same(t, "about", about, []string{first + " U2 U1", first + " U2 U1 " + second, first + " U2 U1", second + " U2", "", "", "U4"})
	for subject, want := range map[access.Subject][]int64{
		"U1": {3, 2, 1}, "U2": {4, 3, 2, 1}, "U3": {6, 4, 2}, "U4": {7}, "U9": nil,
		access.AboutRequest(asked.ID): {3, 2, 1}, access.AboutRequest(longer.ID): {4, 2}, "": {7, 6, 5, 4, 3, 2, 1},
	} {
		same(t, "found by "+string(subject), numbersOf(t, s, access.EventQuery{About: subject, Newest: true}), want)
	}
}

func testAuditPages(t *testing.T, s *store.Store) {
	update(t, s, func(ctx context.Context, tx access.Tx) (err error) {
		for n := range 6 {
			actor := access.UserID(fmt.Sprintf("U%d", n%2))
			err = errors.Join(err, tx.Audit(ctx, access.Event{At: epoch.Add(time.Duration(n) * time.Second), Actor: actor, Action: "any"}))
		}
		return err
	})
	for _, c := range []struct {
		q    access.EventQuery
		want []int64
	}{
		{access.EventQuery{Limit: 2}, []int64{1, 2}},
		{access.EventQuery{Newest: true, Limit: 2}, []int64{6, 5}},
		{access.EventQuery{Newest: true, Before: 5, Limit: 2}, []int64{4, 3}},
		{access.EventQuery{After: 2, Before: 5}, []int64{3, 4}},
		{access.EventQuery{Since: epoch.Add(4 * time.Second)}, []int64{5, 6}},
		{access.EventQuery{About: "U1", After: 2, Limit: 1}, []int64{4}},
		{access.EventQuery{About: "U1", Before: 6, Newest: true}, []int64{4, 2}},
		{access.EventQuery{About: "U0", Since: epoch.Add(time.Second), Before: 6}, []int64{3, 5}},
	} {
		same(t, fmt.Sprintf("%+v", c.q), numbersOf(t, s, c.q), c.want)
	}
	found, err := s.Found(t.Context(), 4, 6)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "found", found, map[int64][]access.Subject{5: {"U0"}, 6: {"U1"}})
}

// numbersOf returns the numbers of the events that match.
func numbersOf(t *testing.T, s *store.Store, q access.EventQuery) (numbers []int64) {
	t.Helper()
	for _, e := range read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Event, error) { return tx.Events(ctx, q) }) {
		numbers = append(numbers, e.Seq)
	}
	return numbers
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
