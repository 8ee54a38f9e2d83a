package store

import (
	"context"
	"strconv"
	"time"
)

// Prune deletes what nothing needs any more, if it is older than that time: handled
// envelopes, which only serve to recognise another delivery, and sent notices.
func (s *Store) Prune(ctx context.Context, before time.Time) error {
	return s.db.update(ctx, func(t *tx) error {
		for _, query := range []string{
			"DELETE FROM inbox WHERE handled = 1 AND at < $1",
			"DELETE FROM notices WHERE sent_at > 0 AND sent_at < $1",
		} {
			if _, err := t.Exec(ctx, query, ms(before)); err != nil {
				return err
			}
		}
		return nil
	})
}

// What one transaction of PruneHistory deletes at most: placements, and servers of requests,
// each with what became of it there.
const (
	placementsAtOnce = 500
	serversAtOnce    = 250
)

// oldRequests selects the requests after $2 that may be over since before $1. Kept for ever are
// offboardings and the rotations of keys of accounts.
const oldRequests = `SELECT id FROM requests WHERE id > $2 AND created_at < $1 AND decided_at < $1
	AND state IN ('approved', 'denied', 'cancelled', 'expired') AND kind NOT IN ('offboard', 'rotate') ORDER BY +id LIMIT 20`

// inUse are the queries for what a request $1 is kept for, though it was decided before $2:
// something of it is live, was until lately, or is owed, or somebody decided to leave a key where
// it is, or has still to decide.
var inUse = []string{ //nolint:gochecknoglobals // a constant
	"SELECT id FROM grants WHERE request_id = $1 AND (state = 'live' OR ended_at >= $2)",
	"SELECT g.id FROM requests r JOIN grants g ON g.id = r.grant_id WHERE r.id = $1 AND (g.state = 'live' OR g.ended_at >= $2)",
	"SELECT p.id FROM grants g CROSS JOIN placements p WHERE g.request_id = $1 AND p.grant_id = g.id AND " + there + " AND CAST($2 AS BIGINT) > 0",
	"SELECT request_id FROM results WHERE request_id = $1 AND " + openResult + " AND CAST($2 AS BIGINT) > 0",
	"SELECT c.request_id FROM candidates c JOIN requests r ON r.id = c.request_id WHERE c.request_id = $1 AND (c.spared = 1 OR c.picked_at = 0 AND r.kind <> 'purge') AND CAST($2 AS BIGINT) > 0",
	"SELECT request_id FROM findings WHERE request_id = $1 AND CAST($2 AS BIGINT) > 0",
}

// PruneHistory deletes, some at a time, the details of what was over before that time: placements
// that are gone, and requests with their servers, messages, candidates and results, and with their
// grants and what those covered. What the audit log says of them stays. It begins after a request
// (0 is the beginning), and returns the one after which to go on, if there may be more.
//
// A placement that was given up with a server that left stays: it is looked for when the server
// comes back.
func (s *Store) PruneHistory(ctx context.Context, before time.Time, after int64) (next int64, more bool, err error) {
	err = s.update(ctx, func(t *tx) error {
		gone, err := t.Exec(ctx, `DELETE FROM placements WHERE id IN (SELECT id FROM placements p WHERE p.state = 'gone' AND p.gone_at < $1
			AND p.problem <> 'server_left' AND p.in_doubt_until = 0 AND NOT EXISTS (SELECT 1 FROM rereads WHERE placement_id = p.id) ORDER BY p.gone_at`+limit(placementsAtOnce)+")", ms(before))
		if err != nil {
			return err
		}
		old, err := many(ctx, t, column[int64], oldRequests, ms(before), after)
		if err != nil {
			return err
		}
		if next = after; len(old) > 0 {
			next, err = t.pruneSome(ctx, old, before)
		}
		more = len(old) > 0 || gone == placementsAtOnce
		return err
	})
	return next, more, err
}

// pruneSome deletes as much of the first of these requests as one transaction should, and returns
// the last that it is done with.
func (t *tx) pruneSome(ctx context.Context, old []int64, before time.Time) (last int64, err error) {
	left := serversAtOnce
	for _, id := range old {
		kept, err := t.inUse(ctx, id, before)
		if err != nil {
			return 0, err
		}
		if kept {
			last = id
			continue
		}
		n, err := t.pruneRequest(ctx, id, left)
		if left -= n; err != nil || left <= 0 {
			return max(last, id-1), err
		}
		last = id
	}
	return last, nil
}

func (t *tx) inUse(ctx context.Context, request int64, before time.Time) (bool, error) {
	for _, query := range inUse {
		found, err := many(ctx, t, column[int64], query+" LIMIT 1", request, ms(before))
		if err != nil || len(found) > 0 {
			return true, err
		}
	}
	return false, nil
}

// flagRenewed keeps until when PruneRenewed has looked at what is gone, in milliseconds.
const flagRenewed = "pruned_renewals"

// PruneRenewed deletes, some at a time, temporary placements that were gone before that time and
// that another one of the same key on the same server has followed: a key that is renewed twice a
// day would leave a thousand of them. It reports whether there may be more. It is to be called
// when the target has removed such a key by itself in any case.
func (s *Store) PruneRenewed(ctx context.Context, before time.Time) (more bool, err error) {
	err = s.update(ctx, func(t *tx) error {
		last, err := t.Flag(ctx, flagRenewed)
		if err != nil {
			return err
		}
		since, _ := strconv.ParseInt(last, 10, 64) // from the beginning
		gone, err := many(ctx, t, column[int64], "SELECT gone_at FROM placements WHERE state = 'gone' AND gone_at > $1 AND gone_at < $2 ORDER BY gone_at"+limit(placementsAtOnce), since, ms(before))
		if more = len(gone) == placementsAtOnce; err != nil || len(gone) == 0 {
			return err
		}
		through := gone[len(gone)-1]
		_, err = t.Exec(ctx, `DELETE FROM placements WHERE id IN (SELECT p.id FROM placements p WHERE p.state = 'gone' AND p.gone_at > $1 AND p.gone_at <= $2
			AND p.temporary = 1 AND p.problem <> 'server_left' AND p.in_doubt_until = 0 AND NOT EXISTS (SELECT 1 FROM rereads WHERE placement_id = p.id)
			AND EXISTS (SELECT 1 FROM placements n WHERE n.place_id = p.place_id AND n.system_user = p.system_user AND n.fingerprint = p.fingerprint AND n.id > p.id AND n.state <> 'gone'))`,
			since, through)
		if err != nil {
			return err
		}
		return t.SetFlag(ctx, flagRenewed, strconv.FormatInt(through, 10))
	})
	return more, err
}

// pruneRequest deletes a request, or what it holds of that many servers if there are more. It
// returns the number of servers.
func (t *tx) pruneRequest(ctx context.Context, id int64, most int) (int, error) {
	const grants = "grant_id IN (SELECT id FROM grants WHERE request_id = $1)"
	servers, err := many(ctx, t, column[int64], "SELECT place_id FROM request_places WHERE request_id = $1 UNION SELECT place_id FROM results WHERE request_id = $1 UNION SELECT place_id FROM covers WHERE "+
		grants+limit(most+1), id)
	if err != nil {
		return 0, err
	}
	c := conditions{args: []any{id}}
	if len(servers) > most {
		servers = servers[:most]
		addIn(&c, "place_id", servers)
	}
	queries := []string{
		"DELETE FROM covers WHERE " + grants + c.and(), "DELETE FROM results WHERE request_id = $1" + c.and(),
		"DELETE FROM sessions WHERE request_id = $1" + c.and(), "DELETE FROM request_places WHERE request_id = $1" + c.and(),
	}
	if len(c.parts) == 0 {
		queries = append(queries, "DELETE FROM grants WHERE request_id = $1")
		for _, table := range []string{"candidates", "approvals", "request_askers", "request_facts", "drawings", "messages"} {
			queries = append(queries, "DELETE FROM "+table+" WHERE request_id = $1")
		}
		queries = append(queries, "DELETE FROM requests WHERE id = $1")
	}
	for _, query := range queries {
		if _, err := t.Exec(ctx, query, c.args...); err != nil {
			return 0, err
		}
	}
	return len(servers), nil
}
