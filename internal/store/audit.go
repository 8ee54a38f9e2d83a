package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

const eventColumns = "seq, at, actor, action, noun, noun_id, from_state, to_state, detail, about, prev, hash"

// The queries for the request that a noun names or belongs to, who asked for it, and whom the
// noun is about.
const (
	aboutRequest   = "SELECT id, asker, person FROM requests WHERE id = $1"
	aboutGrant     = "SELECT grants.request_id, COALESCE(asker, ''), grants.person FROM grants LEFT JOIN requests ON requests.id = grants.request_id WHERE grants.id = $1"
	aboutPlacement = "SELECT COALESCE(grants.request_id, 0), COALESCE(asker, ''), placements.person FROM placements " +
		"LEFT JOIN grants ON grants.id = placements.grant_id LEFT JOIN requests ON requests.id = grants.request_id WHERE placements.id = $1"
	aboutPicked = "SELECT DISTINCT request_id, '', '' FROM results JOIN placements USING (place_id, system_user, fingerprint, picked) " +
		"WHERE placements.id = $1 AND phase = 'remove' AND results.state IN ('waiting', 'failed', 'unknown')"
)

// Audit implements access.LogTx. The event gets its place in the chain when the transaction
// ends; what it is about is looked up now, as it is at this moment.
func (t *tx) Audit(ctx context.Context, e access.Event) error {
	if t.enqueue == nil {
		return errReadOnly
	}
	var err error
	if e.About, err = t.aboutOf(ctx, e); err != nil {
		return err
	}
	t.events = append(t.events, e)
	return nil
}

// aboutOf returns the subjects of an event: those that follow from its noun, and then its own.
func (t *tx) aboutOf(ctx context.Context, e access.Event) (string, error) {
	named, err := t.subjectsOf(ctx, e)
	return access.AboutAll(append(named, e.AboutSubjects()...)...), err
}

// subjectsOf returns the subjects that follow from the event's noun: the requests first, then
// whom it is about, then who asked.
func (t *tx) subjectsOf(ctx context.Context, e access.Event) ([]access.Subject, error) {
	queries := map[access.Noun][]string{
		access.NounRequest: {aboutRequest}, access.NounRotation: {aboutRequest}, access.NounGrant: {aboutGrant}, access.NounPlacement: {aboutPlacement, aboutPicked},
	}[e.Noun]
	id, err := strconv.ParseInt(e.NounID, 10, 64)
	if err != nil {
		return nil, nil //nolint:nilerr // nothing that the ledger has by a number
	}
	var requests, persons []access.Subject
	for _, query := range queries {
		found, err := many(ctx, t, scanSubjects, query, id)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			requests, persons = append(requests, s[0]), append(persons, s[1:]...)
		}
	}
	return append(requests, persons...), nil
}

// scanSubjects scans a request, who asked for it, and whom it is about.
func scanSubjects(row scanner) ([]access.Subject, error) {
	var request int64
	var asker, person access.UserID
	err := row.Scan(&request, &asker, &person)
	return []access.Subject{access.AboutRequest(request), access.AboutPerson(person), access.AboutPerson(asker)}, err
}

// Events implements access.LogTx.
func (t *tx) Events(ctx context.Context, q access.EventQuery) ([]access.Event, error) {
	query, args := eventsSQL(q)
	return many(ctx, t, scanEvent, query, args...)
}

func eventsSQL(q access.EventQuery) (query string, args []any) {
	from, number := "audit", "seq"
	var c conditions
	if q.About != "" {
		from, number = "audit_about JOIN audit ON seq = event", "event" // in the order of the index
		c.add("subject = ?", q.About)
	}
	addIf(&c, number+" > ?", q.After)
	addIf(&c, number+" < ?", q.Before)
	addIf(&c, "at >= ?", ms(q.Since))
	order := number
	if q.Newest {
		order += " DESC"
	}
	return "SELECT " + eventColumns + " FROM " + from + c.where() + " ORDER BY " + order + limit(q.Limit), c.args
}

// Events returns the audit events after a sequence number, oldest first, at most limit.
func (s *Store) Events(ctx context.Context, after int64, limit int) (events []access.Event, err error) {
	err = s.read(ctx, func(t *tx) error {
		events, err = t.Events(ctx, access.EventQuery{After: after, Limit: limit})
		return err
	})
	return events, err
}

// Found returns the subjects by which the log finds its events after a sequence number, up to
// and including another one, by their numbers, each in ascending order.
func (s *Store) Found(ctx context.Context, after, through int64) (found map[int64][]access.Subject, err error) {
	type entry struct {
		event   int64
		subject access.Subject
	}
	scan := func(row scanner) (e entry, err error) { return e, row.Scan(&e.event, &e.subject) }
	err = s.read(ctx, func(t *tx) error {
		all, err := many(ctx, t, scan, "SELECT event, subject FROM audit_about WHERE event > $1 AND event <= $2", after, through)
		found = map[int64][]access.Subject{}
		for _, e := range all {
			found[e.event] = append(found[e.event], e.subject)
		}
		return err
	})
	for _, subjects := range found {
		slices.Sort(subjects)
	}
	return found, err
}

// How many moves are kept at most: of renewals, which come and come, and others.
const (
	mostMoves    = 1000
	mostRenewals = 5000
)

// KeepMoves implements access.LogTx.
func (t *tx) KeepMoves(ctx context.Context, at time.Time, moves []access.Move) error {
	if t.enqueue == nil {
		return errReadOnly
	}
	all := make([][]any, len(moves))
	for i, m := range moves {
		all[i] = []any{ms(at), m.GrantID, m.ServerID, m.SystemUser, m.Fingerprint, m.From, m.State, m.Action, m.Problem, bit(m.Renewal)}
	}
	if t.firstMove == 0 {
		last, err := one(ctx, t, column[int64], "SELECT COALESCE(MAX(id), 0) FROM moves")
		if err != nil {
			return err
		}
		t.firstMove = last + 1
	}
	return insertMany(ctx, t, "moves", "at, grant_id, place_id, system_user, fingerprint, from_state, to_state, action, problem, renewal", "", all)
}

// OldestMove implements access.LogTx.
func (t *tx) OldestMove(ctx context.Context, renewals bool) (at time.Time, err error) {
	first, err := many(ctx, t, column[int64], "SELECT at FROM moves WHERE renewal = $1 ORDER BY id LIMIT 1", bit(renewals))
	if err != nil || len(first) == 0 {
		return at, err
	}
	err = instant{&at}.Scan(first[0])
	return at, err
}

// SealMoves implements access.LogTx.
func (t *tx) SealMoves(_ context.Context, renewals bool) error {
	if t.enqueue == nil {
		return errReadOnly
	}
	if t.sealMoves == nil {
		t.sealMoves = map[bool]bool{}
	}
	t.sealMoves[renewals] = true
	return nil
}

// dueMoves are the conditions on the moves that get their events now, and none if none do: those
// from before this transaction, if it has events itself, and all when there are too many.
func (t *tx) dueMoves(ctx context.Context) (c conditions, err error) {
	var due []string
	for renewals, most := range map[bool]int{false: mostMoves, true: mostRenewals} {
		kept, err := one(ctx, t, column[int], "SELECT COUNT(*) FROM moves WHERE renewal = $1", bit(renewals))
		if err != nil {
			return c, err
		}
		switch {
		case kept == 0:
		case kept > most || t.sealMoves[renewals]:
			due = append(due, "renewal = "+strconv.FormatInt(bit(renewals), 10))
		case !renewals && len(t.events) > 0 && t.firstMove == 0:
			due = append(due, "renewal = 0")
		case !renewals && len(t.events) > 0:
			due = append(due, "renewal = 0 AND id < "+strconv.FormatInt(t.firstMove, 10))
		}
	}
	if len(due) > 0 {
		c.add("(" + strings.Join(due, " OR ") + ")")
	}
	return c, nil
}

// eventsOfMoves takes the moves out of their table that are due, and returns their events.
func (t *tx) eventsOfMoves(ctx context.Context) ([]access.Event, error) {
	c, err := t.dueMoves(ctx)
	if err != nil || len(c.parts) == 0 {
		return nil, err
	}
	scan := func(row scanner) (m access.KeptMove, err error) {
		err = row.Scan(instant{&m.At}, &m.GrantID, &m.ServerID, &m.SystemUser, &m.Fingerprint, &m.From, &m.State, &m.Action, &m.Problem)
		return m, err
	}
	moves, err := many(ctx, t, scan, "SELECT at, grant_id, place_id, system_user, fingerprint, from_state, to_state, action, problem FROM moves"+c.where()+" ORDER BY id", c.args...)
	if err != nil {
		return nil, err
	}
	if _, err := t.Exec(ctx, "DELETE FROM moves"+c.where(), c.args...); err != nil {
		return nil, err
	}
	events := access.MoveEvents(moves)
	for i, e := range events {
		if events[i].About, err = t.aboutOf(ctx, e); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// flushEvents seals the events of the transaction, after those of the moves before it, and
// appends them to the chain. No other update runs between the reading of the last event and
// the commit: two that read the same one would fork the chain.
func (t *tx) flushEvents(ctx context.Context) error {
	if len(t.events) == 0 && t.firstMove == 0 && len(t.sealMoves) == 0 {
		return nil
	}
	moved, err := t.eventsOfMoves(ctx)
	if err != nil {
		return err
	}
	t.events = append(moved, t.events...)
	if len(t.events) == 0 {
		return nil
	}
	heads, err := t.Events(ctx, access.EventQuery{Newest: true, Limit: 1})
	if err != nil {
		return err
	}
	var prev access.Event
	if len(heads) > 0 {
		prev = heads[0]
	}
	all := make([][]any, len(t.events))
	var about [][]any
	for i, e := range t.events {
		e = e.Seal(prev)
		t.events[i] = e
		all[i] = []any{e.Seq, ms(e.At), e.Actor, e.Action, e.Noun, e.NounID, e.From, e.To, e.Detail, e.About, e.Prev, e.Hash}
		for _, subject := range e.Subjects() {
			about = append(about, []any{subject, e.Seq})
		}
		prev = e
	}
	if err := insertMany(ctx, t, "audit", eventColumns, "", all); err != nil {
		return err
	}
	return insertMany(ctx, t, "audit_about", "subject, event", "", about)
}

func scanEvent(row scanner) (e access.Event, err error) {
	err = row.Scan(&e.Seq, instant{&e.At}, &e.Actor, &e.Action, &e.Noun, &e.NounID, &e.From, &e.To, &e.Detail, &e.About, &e.Prev, &e.Hash)
	return e, err
}
