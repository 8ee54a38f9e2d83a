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

// prunable selects the requests that were over before $1, with all that followed from them.
// Kept for ever are offboardings, the rotations of keys of accounts, and what somebody decided
// to leave where it is. Nothing that is live or owed is over.
const prunable = `SELECT r.id FROM requests r WHERE r.state IN ('approved', 'denied', 'cancelled', 'expired')
	AND r.created_at < $1 AND r.decided_at < $1 AND r.kind NOT IN ('offboard', 'rotate')
	AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.request_id = r.id AND (g.state = 'live' OR g.ended_at >= $1
		OR EXISTS (SELECT 1 FROM placements p WHERE p.state <> 'gone' AND p.grant_id = g.id)))
	AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = r.grant_id AND (g.state = 'live' OR g.ended_at >= $1))
	AND NOT EXISTS (SELECT 1 FROM results WHERE request_id = r.id AND ` + openResult + `)
	AND NOT EXISTS (SELECT 1 FROM candidates c WHERE c.request_id = r.id AND (c.spared = 1 OR c.picked_at = 0 AND r.kind <> 'purge'))
	AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.request_id = r.id)
	ORDER BY r.id`

// PruneHistory deletes, some at a time, the details of what was over before that time: requests
// with their servers, messages, candidates and results, their grants with what they covered, and
// placements that are gone. It reports whether there may be more. What the audit log says of
// them stays.
//
// A placement that was given up with a server that left stays: it is looked for when the server
// comes back.
func (s *Store) PruneHistory(ctx context.Context, before time.Time) (more bool, err error) {
	err = s.update(ctx, func(t *tx) error {
		gone, err := t.Exec(ctx, `DELETE FROM placements WHERE id IN (SELECT id FROM placements p WHERE p.state = 'gone' AND p.gone_at < $1
			AND p.problem <> 'server_left' AND p.in_doubt_until = 0 AND NOT EXISTS (SELECT 1 FROM rereads WHERE placement_id = p.id) ORDER BY p.gone_at`+limit(placementsAtOnce)+")", ms(before))
		if err != nil {
			return err
		}
		more = gone == placementsAtOnce
		left := serversAtOnce
		for left > 0 {
			found, err := many(ctx, t, column[int64], prunable+limit(1), ms(before))
			if err != nil || len(found) == 0 {
				return err
			}
			n, err := t.pruneRequest(ctx, found[0], left)
			if err != nil {
				return err
			}
			left -= max(n, 1)
		}
		more = true
		return nil
	})
	return more, err
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
