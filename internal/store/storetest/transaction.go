package storetest

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata" // for machines without time zones

	"github.com/jackc/pgx/v5/pgconn"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// Of many transactions that change one state at the same time, exactly one does.
func testOneWinner(t *testing.T, s *store.Store) {
	r := insertRequest(t, s, access.Request{State: access.Pending})
	p := insertPlacement(t, s, access.Placement{ServerID: 1, State: access.PlacementWanted})
	g := insertGrant(t, s, access.Grant{State: access.Live})
	winners := func(move func(tx access.Tx) (bool, error)) int {
		var won atomic.Int64
		var all sync.WaitGroup
		start := make(chan struct{})
		for range 20 {
			all.Go(func() {
				<-start
				var wins bool
				err := s.Update(t.Context(), func(tx access.Tx) (err error) {
					wins, err = move(tx)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if wins {
					won.Add(1)
				}
			})
		}
		close(start)
		all.Wait()
		return int(won.Load())
	}
	r.State, p.State, g.State = access.Approved, access.PlacementUnknown, access.Ended
	ctx := t.Context()
	for name, move := range map[string]func(tx access.Tx) (bool, error){
		"request":   func(tx access.Tx) (bool, error) { return tx.MoveRequest(ctx, r, access.Pending) },
		"placement": func(tx access.Tx) (bool, error) { return tx.MovePlacement(ctx, p, access.PlacementWanted, 0) },
		"grant":     func(tx access.Tx) (bool, error) { return tx.MoveGrant(ctx, g, access.Live) },
		"approval": func(tx access.Tx) (bool, error) {
			return tx.AddApproval(ctx, access.Approval{RequestID: r.ID, Approver: "U1"})
		},
		"source": func(tx access.Tx) (bool, error) {
			_, fresh, err := tx.InsertRequest(ctx, access.Request{Source: "one"}, nil)
			return fresh, err
		},
	} {
		same(t, "winners of the "+name, winners(move), 1)
	}
}

// A failed update leaves neither row nor job nor event.
func testRollback(t *testing.T, s *store.Store) {
	failed := errors.New("undone")
	err := s.Update(t.Context(), func(tx access.Tx) error {
		everything(t.Context(), t, tx)
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got %v, want the error of fn", err)
	}
	nothing(t, s)
}

func everything(ctx context.Context, t *testing.T, tx access.Tx) {
	t.Helper()
	_, _, requestErr := tx.InsertRequest(ctx, access.Request{}, nil)
	err := errors.Join(requestErr, tx.Wake(ctx, access.Work{Kind: access.WorkRemove, ID: 1}), tx.Audit(ctx, access.Event{}))
	if err != nil {
		t.Error(err)
	}
}

func nothing(t *testing.T, s *store.Store) {
	t.Helper()
	for _, table := range []string{"requests", "river_job", "audit"} {
		same(t, "rows in "+table, query[int64](t, s, "SELECT COUNT(*) FROM "+table), 0)
	}
	// The connection is free again.
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetFlag(ctx, "after", "wards") })
}

func testPanic(t *testing.T, s *store.Store) {
	func() {
		defer func() { same(t, "the panic", recover(), "of fn") }()
		_ = s.Update(t.Context(), func(tx access.Tx) error {
			everything(t.Context(), t, tx)
			panic("of fn")
		})
	}()
	nothing(t, s)
}

// What is to be called after the commit is not called without one.
func testAfterCommit(t *testing.T, s *store.Store) {
	var called []string
	failed := errors.New("failed")
	for _, name := range []string{"fails", "commits"} {
		err := s.Update(t.Context(), func(tx access.Tx) error {
			tx.AfterCommit(func() {
				called = append(called, name)
				same(t, "the flag", read(t, s, func(ctx context.Context, tx access.Tx) (string, error) { return tx.Flag(ctx, "a") }), "b")
			})
			if err := tx.SetFlag(t.Context(), "a", "b"); err != nil || name == "commits" {
				return err
			}
			return failed
		})
		if err != nil && !errors.Is(err, failed) {
			t.Error(err)
		}
	}
	same(t, "called", called, []string{"commits"})
}

func testReadOnly(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for name, write := range map[string]func(tx access.Tx) error{
		"a row":    func(tx access.Tx) error { return tx.SetFlag(ctx, "a", "b") },
		"a job":    func(tx access.Tx) error { return tx.Wake(ctx, access.Work{Kind: access.WorkAdd, ID: 1}) },
		"an event": func(tx access.Tx) error { return tx.Audit(ctx, access.Event{}) },
	} {
		if err := s.Read(ctx, write); err == nil {
			t.Errorf("Read has written %s", name)
		}
	}
}

// A Read sees one consistent state while others write, and does not make them wait.
func testReadIsConsistent(t *testing.T, s *store.Store) {
	update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetFlag(ctx, "a", "before") })
	read(t, s, func(ctx context.Context, tx access.Tx) (string, error) {
		first, err := tx.Flag(ctx, "a")
		if err != nil {
			return "", err
		}
		update(t, s, func(ctx context.Context, tx access.Tx) error { return tx.SetFlag(ctx, "a", "after") })
		second, err := tx.Flag(ctx, "a")
		same(t, "the same state", []string{first, second}, []string{"before", "before"})
		return "", err
	})
}

func testCancelled(t *testing.T, s *store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx access.Tx) error {
		everything(ctx, t, tx)
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
	nothing(t, s)
}

// The error of a statement names that statement.
func testErrorsSayWhere(t *testing.T, s *store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for want, use := range map[string]func(tx access.Tx) error{
		"select persons":     func(tx access.Tx) error { _, err := tx.Person(ctx, "U1"); return err },
		"select person_keys": func(tx access.Tx) error { _, err := tx.KnownPersons(ctx); return err },
		"insert flags":       func(tx access.Tx) error { return tx.SetFlag(ctx, "a", "b") },
		"update persons":     func(tx access.Tx) error { _, err := tx.SetReturned(ctx, "U1", epoch); return err },
		"update results": func(tx access.Tx) error {
			_, err := tx.ReopenResults(ctx, access.KeyOn{ServerID: 1, SystemUser: "web", Fingerprint: "a"}, epoch)
			return err
		},
	} {
		err := s.Update(t.Context(), use)
		if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), want+": ") {
			t.Errorf("%s: got the error %v", want, err)
		}
	}
}

// A transaction that failed because of another one is run again from the start.
func testRetry(t *testing.T, s *store.Store) {
	busy := busyError(t, s)
	calls := 0
	update(t, s, func(ctx context.Context, tx access.Tx) error {
		everything(ctx, t, tx)
		if calls++; calls < 3 {
			return busy
		}
		return nil
	})
	same(t, "calls", calls, 3)
	same(t, "requests", query[int64](t, s, "SELECT COUNT(*) FROM requests"), 1)
	same(t, "events", query[int64](t, s, "SELECT COUNT(*) FROM audit"), 1)

	calls = 0
	err := s.Update(t.Context(), func(access.Tx) error { calls++; return busy })
	same(t, "it gives up", access.CodeOf(err), access.Unavailable)
	if calls < 3 || calls > 20 {
		t.Errorf("it gave up after %d tries", calls)
	}
}

// busyError returns the database's own error for a transaction that failed because of another.
func busyError(t *testing.T, s *store.Store) error {
	t.Helper()
	if s.SQLite() == nil {
		return &pgconn.PgError{Code: "40001"}
	}
	path := filepath.Join(t.TempDir(), "other.db")
	var handles [2]*sql.DB
	for i := range handles {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		handles[i] = db
	}
	first, err := handles[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Rollback() }()
	if _, err := first.ExecContext(t.Context(), "CREATE TABLE a (b)"); err != nil {
		t.Fatal(err)
	}
	_, err = handles[1].ExecContext(t.Context(), "CREATE TABLE c (d)")
	if err == nil {
		t.Fatal("the second writer was not hindered")
	}
	return err
}

// Times are whole milliseconds in UTC, in whatever zone the process and the caller are.
func testMilliseconds(t *testing.T, s *store.Store) {
	for i, zone := range []string{"Asia/Tokyo", "America/New_York", "UTC"} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		// On that day the clocks in New York jump from 2:00 to 3:00.
		local := time.Date(2026, 3, 8, 1, 59, 59, 999_999_999, location)
		g := insertGrant(t, s, access.Grant{State: access.Live, EndsAt: local}, access.Cover{ServerID: int64(i), Fingerprint: "a"})
		same(t, zone+" stored", query[int64](t, s, "SELECT ends_at FROM grants ORDER BY id DESC LIMIT 1"), local.UnixMilli())
		same(t, zone+" read", g.EndsAt, local.UTC().Truncate(time.Millisecond))
		same(t, zone+" location", g.EndsAt.Location().String(), "UTC")
		due := read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Grant, error) {
			return tx.Grants(ctx, access.GrantQuery{EndsBefore: local.In(time.FixedZone("x", 5*3600))})
		})
		same(t, zone+" is due", due[len(due)-1].ID, g.ID)
		update(t, s, func(ctx context.Context, tx access.Tx) error {
			g.State = access.Ended
			_, err := tx.MoveGrant(ctx, g, access.Live)
			return err
		})
	}
}
