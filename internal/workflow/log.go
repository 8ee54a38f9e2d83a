package workflow

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"sshkeybot/internal/access"
)

const (
	logPage    = 15   // events on a page
	logPortion = 1000 // events that are read in one transaction
	logServers = 5    // servers of an event up to which it has their names
)

// LogQuery selects a page of the audit log. Of Before and After, one is 0; with neither, it
// is the page of the latest events.
type LogQuery struct {
	About  access.Subject // empty is everybody and everything
	Before int64          // the latest before that event
	After  int64          // the first after that event
}

// LogEntry is an event of the audit log with the names of what it has by number.
type LogEntry struct {
	access.Event
	Keys    access.Keys // where the event is about keys on servers
	Servers []string    // the names of those servers, where they are few
}

// LogPage is a page of the audit log.
type LogPage struct {
	About   access.Subject
	Entries []LogEntry // the latest first
	Older   bool       // whether there are events before these
	Newer   bool       // and after these

	TicketURL string // as in Settings
}

// Log returns a page of the audit log, for approvers. Where fewer events than a page holds
// come after the one of a query, it is the page of the latest.
func (s *Service) Log(ctx context.Context, actor access.UserID, q LogQuery) (LogPage, error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return LogPage{}, err
	}
	if err := s.sealMoves(ctx, false, s.Now()); err != nil {
		return LogPage{}, err
	}
	var page LogPage
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		page, err = pageOf(ctx, tx, q)
		return err
	})
	page.TicketURL = s.Settings.TicketURL
	return page, err
}

func pageOf(ctx context.Context, tx access.Tx, q LogQuery) (LogPage, error) {
	events, more, err := eventsOf(ctx, tx, q)
	if err == nil && q.After != 0 && len(events) < logPage {
		q.After = 0
		events, more, err = eventsOf(ctx, tx, q)
	}
	if err != nil {
		return LogPage{}, err
	}
	page := LogPage{About: q.About, Older: more || q.After != 0, Newer: q.Before != 0 || q.After != 0 && more}
	page.Entries, err = entries(ctx, tx, events, func(id int64) (string, error) {
		server, err := tx.Server(ctx, id)
		return server.Name, unlessGone(err)
	})
	return page, err
}

// eventsOf returns the events of a page, the latest first, and whether there are more in the
// direction of the query.
func eventsOf(ctx context.Context, tx access.Tx, q LogQuery) (events []access.Event, more bool, err error) {
	forward := q.After != 0
	events, err = tx.Events(ctx, access.EventQuery{About: q.About, Before: q.Before, After: q.After, Newest: !forward, Limit: logPage + 1})
	if more = len(events) > logPage; more {
		events = events[:logPage]
	}
	if forward {
		slices.Reverse(events)
	}
	return events, more, err
}

// entries adds the names of servers to events, by what named returns for an ID.
func entries(ctx context.Context, tx access.Tx, events []access.Event, named func(id int64) (string, error)) ([]LogEntry, error) {
	all := make([]LogEntry, len(events))
	for i, e := range events {
		keys, err := keysOf(ctx, tx, e)
		if err != nil {
			return nil, err
		}
		all[i] = LogEntry{Event: e, Keys: keys}
		for _, id := range keys.Servers {
			name, err := named(id)
			if err != nil {
				return nil, err
			}
			all[i].Servers = append(all[i].Servers, name)
		}
	}
	return all, nil
}

// keysOf returns what an event says about keys on servers: in its detail or, where that says
// nothing of them, by the placement that it is about.
func keysOf(ctx context.Context, tx access.Tx, e access.Event) (access.Keys, error) {
	if keys, ok := e.Keys(logServers); ok || e.Noun != access.NounPlacement {
		return keys, nil
	}
	id, err := strconv.ParseInt(e.NounID, 10, 64)
	if err != nil {
		return access.Keys{}, nil //nolint:nilerr // no placement that the ledger could have
	}
	p, err := tx.Placement(ctx, id)
	if err != nil {
		return access.Keys{}, unlessGone(err)
	}
	return access.Keys{Key: p.Fingerprint, SystemUser: p.SystemUser, Servers: []int64{p.ServerID}, Count: 1, Rest: e.Detail}, nil
}

// unlessGone drops the error of what the ledger does not have any more: its events stay.
func unlessGone(err error) error {
	if access.CodeOf(err) == access.NotFound {
		return nil
	}
	return err
}

// logReading reads a part of the audit log in portions.
type logReading struct {
	store   access.Store
	about   access.Subject
	since   time.Time
	through int64            // the last event
	names   map[int64]string // of all servers
}

// WholeLog returns all of the audit log, for approvers, as ReadLog does.
func (s *Service) WholeLog(ctx context.Context, actor access.UserID) (iter.Seq2[LogEntry, error], error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return nil, err
	}
	if err := s.sealMoves(ctx, false, s.Now()); err != nil {
		return nil, err
	}
	return s.ReadLog(ctx, "", time.Time{})
}

// How long what happened to placements waits for more of the same, to be one event. That keys
// were placed anew which go on being there is no news.
const (
	sealMovesAfter    = 30 * time.Second
	sealRenewalsAfter = 24 * time.Hour
)

// sealOldMoves has the audit log say what happened to placements and has waited long enough.
func (s *Service) sealOldMoves(ctx context.Context) error {
	return errors.Join(s.sealMoves(ctx, false, s.Now().Add(-sealMovesAfter)), s.sealMoves(ctx, true, s.Now().Add(-sealRenewalsAfter)))
}

// sealMoves has the audit log say what happened to placements, in renewals or else, once the first
// of it was at or before that time.
func (s *Service) sealMoves(ctx context.Context, renewals bool, before time.Time) error {
	var oldest time.Time
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		oldest, err = tx.OldestMove(ctx, renewals)
		return err
	})
	if err != nil || oldest.IsZero() || oldest.After(before) {
		return err
	}
	return s.Store.Update(ctx, func(tx access.Tx) error { return tx.SealMoves(ctx, renewals) })
}

// ReadLog returns the audit log from that time on, about one subject or, if that is empty,
// about all, the oldest event first. It is read in portions, however long it is, and is the
// same each time, though the log grows meanwhile; an error is the last that it yields. ReadLog
// asks nobody for permission: WholeLog does.
func (s *Service) ReadLog(ctx context.Context, about access.Subject, since time.Time) (iter.Seq2[LogEntry, error], error) {
	r := logReading{store: s.Store, about: about, since: since}
	err := s.Store.Read(ctx, func(tx access.Tx) error {
		head, err := logHead(ctx, tx)
		if err != nil {
			return err
		}
		servers, err := tx.AllServers(ctx)
		r.through, r.names = head.Seq, map[int64]string{}
		for _, server := range servers {
			r.names[server.ID] = server.Name
		}
		return err
	})
	return func(yield func(LogEntry, error) bool) { r.all(ctx, yield) }, err
}

func (r logReading) all(ctx context.Context, yield func(LogEntry, error) bool) {
	for after, more := int64(0), true; more; {
		portion, err := r.portion(ctx, after)
		if err != nil {
			yield(LogEntry{}, err)
			return
		}
		for _, e := range portion {
			if !yield(e, nil) {
				return
			}
			after = e.Seq
		}
		more = len(portion) == logPortion
	}
}

// portion returns the entries after an event, as many as are read at once.
func (r logReading) portion(ctx context.Context, after int64) (all []LogEntry, err error) {
	err = r.store.Read(ctx, func(tx access.Tx) error {
		events, err := tx.Events(ctx, access.EventQuery{About: r.about, Since: r.since, After: after, Before: r.through + 1, Limit: logPortion})
		if err != nil {
			return err
		}
		all, err = entries(ctx, tx, events, func(id int64) (string, error) { return r.names[id], nil })
		return err
	})
	return all, err
}

// logHead returns the head of the audit log.
func logHead(ctx context.Context, tx access.Tx) (access.Head, error) {
	last, err := tx.Events(ctx, access.EventQuery{Newest: true, Limit: 1})
	if err != nil || len(last) == 0 {
		return access.Head{}, err
	}
	return last[0].Head(), nil
}
