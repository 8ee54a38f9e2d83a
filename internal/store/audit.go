package store

import (
	"context"

	"sshkeybot/internal/access"
)

const eventColumns = "seq, at, actor, action, noun, noun_id, from_state, to_state, detail, prev, hash"

// Audit implements access.Tx. The event gets its place in the chain when the
// transaction ends.
func (t *tx) Audit(_ context.Context, e access.Event) error {
	if t.enqueue == nil {
		return errReadOnly
	}
	t.events = append(t.events, e)
	return nil
}

// Events returns the audit events after a sequence number, oldest first, at most limit.
func (s *Store) Events(ctx context.Context, after int64, limit int) (events []access.Event, err error) {
	err = s.read(ctx, func(t *tx) error {
		events, err = many(ctx, t, scanEvent, "SELECT "+eventColumns+" FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", after, limit)
		return err
	})
	return events, err
}

// flushEvents seals the events of the transaction and appends them to the chain. No other
// update runs between the reading of the last event and the commit: two that read the same
// one would fork the chain.
func (t *tx) flushEvents(ctx context.Context) error {
	if len(t.events) == 0 {
		return nil
	}
	heads, err := many(ctx, t, scanEvent, "SELECT "+eventColumns+" FROM audit ORDER BY seq DESC LIMIT 1")
	if err != nil {
		return err
	}
	var prev access.Event
	if len(heads) > 0 {
		prev = heads[0]
	}
	all := make([][]any, len(t.events))
	for i, e := range t.events {
		e = e.Seal(prev)
		all[i] = []any{e.Seq, ms(e.At), e.Actor, e.Action, e.Noun, e.NounID, e.From, e.To, e.Detail, e.Prev, e.Hash}
		prev = e
	}
	return insertMany(ctx, t, "audit", eventColumns, "", all)
}

func scanEvent(row scanner) (e access.Event, err error) {
	err = row.Scan(&e.Seq, instant{&e.At}, &e.Actor, &e.Action, &e.Noun, &e.NounID, &e.From, &e.To, &e.Detail, &e.Prev, &e.Hash)
	return e, err
}
