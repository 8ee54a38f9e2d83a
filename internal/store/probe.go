package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

// opUnwritable marks the errors of a ledger that cannot be written.
const opUnwritable = "write ledger"

// unwritable is what people read while nothing can be written down.
func unwritable(err error) error {
	return &access.Error{
		Code: access.Unavailable, Op: opUnwritable, Err: err,
		Message: "I cannot write to my database at the moment, so nothing was changed. Please tell whoever runs me: " +
			"its disk may be full, or it is read-only. I go on by myself within seconds once that is mended.",
	}
}

// probeText is long enough to need room of its own: where a file may not grow, what
// changes in place can still be written.
var probeText = strings.Repeat("x", 8<<10)

// Probe reports whether the ledger can be written, by writing and committing; what was
// written is taken away again by the same transaction.
func (s *Store) Probe(ctx context.Context) error {
	name := "probe " + s.replica
	err := s.inbox(ctx, func(t *tx) error {
		if _, err := t.Exec(ctx, "INSERT INTO flags (name, value) VALUES ($1, $2)", name, probeText); err != nil {
			return err
		}
		_, err := t.Exec(ctx, "DELETE FROM flags WHERE name = $1", name)
		return err
	})
	if _, named := errors.AsType[*access.Error](err); err != nil && !named {
		return unwritable(err) // whatever it is
	}
	return err
}

// RefusedWrite returns when a write last failed because the ledger could not be written;
// zero is never.
func (s *Store) RefusedWrite() time.Time {
	at := s.refused.Load()
	if at == nil {
		return time.Time{}
	}
	return *at
}

// judge names an error by what it means for everybody: the ledger cannot be written.
func (s *Store) judge(err error) error {
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
	Attempt string // when it was begun, as the database writes it
}

func scanJobRun(row scanner) (r JobRun, err error) {
	err = row.Scan(&r.Job, &r.Attempt)
	return r, err
}

// runningHere and attemptBegan are conditions and columns on River's table of jobs.
func (s *Store) runningHere() (condition, attemptBegan string) {
	if s.SQLite() != nil {
		return "state = 'running' AND json_extract(attempted_by, '$[#-1]') = $1", "CAST(attempted_at AS TEXT)"
	}
	return "state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1", "attempted_at::text"
}

// RunningJobs lists the attempts at jobs that count as running in this process.
func (s *Store) RunningJobs(ctx context.Context) (runs []JobRun, err error) {
	running, began := s.runningHere()
	err = s.db.read(ctx, func(t *tx) error {
		runs, err = many(ctx, t, scanJobRun, "SELECT id, "+began+" FROM river_job WHERE "+running, s.replica)
		return err
	})
	return runs, err
}

// ReleaseJobs makes jobs available again that still count as running in those attempts.
func (s *Store) ReleaseJobs(ctx context.Context, runs []JobRun) error {
	now := "now()"
	if s.SQLite() != nil {
		now = "datetime('now', 'subsec')"
	}
	running, began := s.runningHere()
	return s.inbox(ctx, func(t *tx) error {
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
