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

// lostAfter is how long a job may count as running without being in anybody's hands:
// between its fetching and its start, and between its end and the note of that.
const lostAfter = 5 * time.Second

// ReleaseLost makes the jobs available again that count as running in this process and
// are not in its hands: their end could not be written down.
func (s *Store) ReleaseLost(ctx context.Context, inHand []int64) error {
	lost := "state = 'running' AND attempted_at < now() - make_interval(secs => $1) AND attempted_by[array_upper(attempted_by, 1)] = $2"
	now := "now()"
	if s.SQLite() != nil {
		lost = "state = 'running' AND attempted_at < datetime('now', 'subsec', -$1 || ' seconds') AND json_extract(attempted_by, '$[#-1]') = $2"
		now = "datetime('now', 'subsec')"
	}
	c := conditions{args: []any{int64(lostAfter.Seconds()), s.replica}}
	addIn(&c, "id NOT", inHand)
	return s.inbox(ctx, func(t *tx) error {
		_, err := t.Exec(ctx, "UPDATE river_job SET state = 'available', scheduled_at = "+now+" WHERE "+lost+c.and(), c.args...)
		return err
	})
}
