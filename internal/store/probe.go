package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

// opUnwritable is the Op of the error of a ledger that cannot be written.
const opUnwritable = "write ledger"

// unwritable returns the error that people see while the ledger cannot be written.
func unwritable(err error) error {
	return &access.Error{
		Code: access.Unavailable, Op: opUnwritable, Err: err,
		Message: "I cannot write to my database at the moment, so nothing was changed. Please tell whoever runs me: " +
			"its disk may be full, or it is read-only. I go on by myself within seconds once that is mended.",
	}
}

// probeText is longer than a page, so that writing it needs new ones: on a full disk, what
// fits into the pages that there are can still be written.
var probeText = strings.Repeat("x", 8<<10)

// Probe returns nil if the ledger can be written. It finds that out by writing, deleting
// what it wrote, and committing.
func (s *Store) Probe(ctx context.Context) error {
	name := "probe " + s.replica
	err := s.single(ctx, func(t *tx) error {
		if _, err := t.Exec(ctx, "INSERT INTO flags (name, value) VALUES ($1, $2)", name, probeText); err != nil {
			return err
		}
		_, err := t.Exec(ctx, "DELETE FROM flags WHERE name = $1", name)
		return err
	})
	if _, named := errors.AsType[*access.Error](err); err != nil && !named {
		return unwritable(err) // whatever the database says
	}
	return err
}

// RefusedWrite returns when a transaction last failed because the ledger could not be
// written; zero is never.
func (s *Store) RefusedWrite() time.Time {
	at := s.refused.Load()
	if at == nil {
		return time.Time{}
	}
	return *at
}

// noteUnwritable returns err, or the error for people if it means that the ledger cannot be
// written, which it records for RefusedWrite.
func (s *Store) noteUnwritable(err error) error {
	if err == nil || !s.db.unwritable(err) {
		return err
	}
	now := time.Now()
	s.refused.Store(&now)
	return unwritable(err)
}

// A JobRun is one attempt at a job.
type JobRun struct {
	Job     int64
	Attempt string // when it began, as the database writes it
}

func scanJobRun(row scanner) (r JobRun, err error) {
	err = row.Scan(&r.Job, &r.Attempt)
	return r, err
}

// runningHere returns, for River's table of jobs, the condition on a job that runs in the
// replica $1, and the expression for when its attempt began.
func (s *Store) runningHere() (condition, attemptBegan string) {
	if s.SQLite() != nil {
		return "state = 'running' AND json_extract(attempted_by, '$[#-1]') = $1", "CAST(attempted_at AS TEXT)"
	}
	return "state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1", "attempted_at::text"
}

// RunningJobs returns the attempts that River has recorded as running in this process.
func (s *Store) RunningJobs(ctx context.Context) (runs []JobRun, err error) {
	running, began := s.runningHere()
	err = s.db.read(ctx, func(t *tx) error {
		runs, err = many(ctx, t, scanJobRun, "SELECT id, "+began+" FROM river_job WHERE "+running, s.replica)
		return err
	})
	return runs, err
}

// ReleaseJobs makes jobs available again whose attempts ended without River recording that.
// One that has begun another attempt meanwhile is left alone.
func (s *Store) ReleaseJobs(ctx context.Context, runs []JobRun) error {
	now := "now()"
	if s.SQLite() != nil {
		now = "datetime('now', 'subsec')"
	}
	running, began := s.runningHere()
	return s.single(ctx, func(t *tx) error {
		for _, run := range runs {
			_, err := t.Exec(ctx, "UPDATE river_job SET state = 'available', scheduled_at = "+now+
				" WHERE "+running+" AND id = $2 AND "+began+" = $3", s.replica, run.Job, run.Attempt)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
