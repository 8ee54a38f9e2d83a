package storetest

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/store"
)

// hold makes a replica hold a placement, an envelope and a job.
func hold(t *testing.T, s *store.Store, server int64, replica string) access.Placement {
	t.Helper()
	p := access.Placement{ServerID: server, State: access.PlacementUnknown, Attempts: 1, Holder: replica, NextAt: epoch}
	p = insertPlacement(t, s, p)
	wake(t, s, access.Work{Kind: access.WorkAdd, ID: server})
	by, at := "jsonb('[\"first\",\""+replica+"\"]')", "datetime('now', 'subsec')"
	if s.SQLite() == nil {
		by, at = "ARRAY['first', '"+replica+"']", "now()"
	}
	if err := exec(t, s, "UPDATE river_job SET state = 'running', attempt = 2, attempted_at = "+at+", attempted_by = "+by+" WHERE state = 'available'"); err != nil {
		t.Fatal(err)
	}
	return p
}

func accept(t *testing.T, s *store.Store, id string) {
	t.Helper()
	if _, err := s.Accept(t.Context(), delivery.Envelope{ID: id, At: epoch}, epoch.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func free(p access.Placement) access.Placement {
	p.Holder, p.NextAt = "", time.Time{}
	return p
}

func placements(t *testing.T, s *store.Store) []access.Placement {
	t.Helper()
	return read(t, s, func(ctx context.Context, tx access.Tx) ([]access.Placement, error) {
		return tx.Placements(ctx, access.PlacementQuery{})
	})
}

func leftovers(t *testing.T, s *store.Store) (ids []string) {
	t.Helper()
	found, err := s.Leftovers(t.Context(), epoch, epoch.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		ids = append(ids, e.ID)
	}
	return ids
}

// testRelease checks that the work of a process that was killed is released: at the next
// start on SQLite, by the other replicas on PostgreSQL.
func testRelease(t *testing.T, s *store.Store) {
	if s.Postgres() != nil {
		testReleaseDead(t, s)
		return
	}
	p := hold(t, s, 1, "before")
	accept(t, s, "left")
	if err := exec(t, s, "INSERT INTO river_leader (elected_at, expires_at, leader_id) VALUES ('2026-01-01', '2999-01-01', 'before')"); err != nil {
		t.Fatal(err)
	}
	released, err := s.ReleaseDead(t.Context())
	if err != nil || released != nil {
		t.Errorf("ReleaseDead = %v, %v: there are no others on SQLite", released, err)
	}
	same(t, "nothing is released yet", leftovers(t, s), nil)
	if err := s.ReleaseAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "placements", placements(t, s), []access.Placement{free(p)})
	same(t, "jobs", jobs(t, s, "state = 'available' AND scheduled_at <= datetime('now', 'subsec')"), 1)
	same(t, "leaders", query[int64](t, s, "SELECT COUNT(*) FROM river_leader"), 0)
	same(t, "envelopes", leftovers(t, s), []string{"left"})
}

func testReleaseDead(t *testing.T, s *store.Store) {
	other := Second(t, s, "other")
	theirs, ours := hold(t, s, 1, "other"), hold(t, s, 2, "self")
	accept(t, other, "theirs")
	accept(t, s, "ours")
	releaseDead(t, s)
	if err := s.ReleaseAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "while they live", placements(t, s), []access.Placement{theirs, ours})

	other.Close()
	releaseDead(t, s, "other")
	same(t, "placements", placements(t, s), []access.Placement{free(theirs), ours})
	same(t, "their job", jobs(t, s, "state = 'available' AND args->>'place_id' = '1'"), 1)
	same(t, "our job", jobs(t, s, "state = 'running' AND args->>'place_id' = '2'"), 1)
	same(t, "envelopes", leftovers(t, s), []string{"theirs"})
	releaseDead(t, s)
}

// The server may carry out a statement of a replica after it was killed, and released.
func testReleaseLate(t *testing.T, s *store.Store) {
	if s.Postgres() == nil {
		t.Skip("SQLite has one process")
	}
	hold(t, s, 1, "killed")
	hold(t, s, 2, "self")
	releaseDead(t, s)
	same(t, "their job", jobs(t, s, "state = 'available' AND args->>'place_id' = '1'"), 1)
	same(t, "our job", jobs(t, s, "state = 'running' AND args->>'place_id' = '2'"), 1)
}

func releaseDead(t *testing.T, s *store.Store, want ...string) {
	t.Helper()
	released, err := s.ReleaseDead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "released", released, want)
}

// A replica that is running and lost the session of its lease takes the lease again.
func testLeaseIsTakenAgain(t *testing.T, s *store.Store) {
	if s.Postgres() == nil {
		t.Skip("SQLite has one process")
	}
	name := s.Schema() // no other session on the server has that name
	other := Second(t, s, name)
	defer other.Close()
	if err := exec(t, s, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sshkeybot "+name+"'"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the session is gone", func() bool {
		released, err := s.ReleaseDead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.Equal(released, []string{name})
	})
	releaseDead(t, other) // takes its lock again
	releaseDead(t, s)
	same(t, "replicas", query[int64](t, s, "SELECT COUNT(*) FROM replicas"), 2)
}

// testCompletionBlocksWake checks what jobs rely on: a wake-up that finds a job whose
// completion is not committed yet waits for the commit, and is not lost.
func testCompletionBlocksWake(t *testing.T, s *store.Store) {
	if s.Postgres() == nil {
		t.Skip("SQLite has one writer")
	}
	ctx := t.Context()
	for server, end := range map[int64]struct {
		finish func(pgx.Tx) error
		open   int64 // jobs left to be worked
		total  int64
	}{
		1: {func(tx pgx.Tx) error { return tx.Commit(ctx) }, 1, 2},
		2: {func(tx pgx.Tx) error { return tx.Rollback(ctx) }, 1, 1},
	} {
		work := access.Work{Kind: access.WorkAdd, ID: server}
		wake(t, s, work)
		own := "args->>'place_id' = '" + strconv.FormatInt(server, 10) + "'"
		if err := exec(t, s, "UPDATE river_job SET state = 'running' WHERE "+own); err != nil {
			t.Fatal(err)
		}
		completing, err := s.Postgres().Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := completing.Exec(ctx, "UPDATE river_job SET state = 'completed', finalized_at = now() WHERE "+own); err != nil {
			t.Fatal(err)
		}
		backend, done := make(chan uint32, 1), make(chan error, 1)
		go func() {
			done <- s.Update(ctx, func(tx access.Tx) error {
				backend <- store.NativePostgres(tx).Conn().PgConn().PID()
				return tx.Wake(ctx, work)
			})
		}()
		pid := <-backend
		eventually(t, "the wake-up waits", func() bool {
			var waits bool
			err := s.Postgres().QueryRow(ctx, "SELECT wait_event_type = 'Lock' AND query LIKE '%river_job%' FROM pg_stat_activity WHERE pid = $1 AND wait_event_type IS NOT NULL", pid).Scan(&waits)
			return err == nil && waits
		})
		if err := end.finish(completing); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		same(t, "jobs to be worked", jobs(t, s, own+" AND finalized_at IS NULL"), end.open)
		same(t, "jobs", jobs(t, s, own), end.total)
	}
}

// testReleaseJobs checks that a job is released only in the attempt that was seen to run in
// this process.
func testReleaseJobs(t *testing.T, s *store.Store) {
	for server, replica := range map[int64]string{1: s.Replica(), 2: s.Replica(), 3: "another"} {
		hold(t, s, server, replica)
	}
	runs, err := s.RunningJobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 {
		t.Fatalf("%d jobs run here, want 2: %v", len(runs), runs)
	}
	again := "now() + make_interval(secs => 1)"
	if s.SQLite() != nil {
		again = "datetime('now', 'subsec', '1 seconds')"
	}
	if err := exec(t, s, "UPDATE river_job SET attempted_at = "+again+" WHERE id = "+strconv.FormatInt(runs[0].Job, 10)); err != nil {
		t.Fatal(err)
	}
	if err := s.ReleaseJobs(t.Context(), runs); err != nil {
		t.Fatal(err)
	}
	same(t, "available jobs", jobs(t, s, "state = 'available'"), 1)
	same(t, "of the one in that attempt", jobs(t, s, "state = 'available' AND id = "+strconv.FormatInt(runs[1].Job, 10)), 1)
}
