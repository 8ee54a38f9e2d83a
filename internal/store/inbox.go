package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

const envelopeColumns = "id, person, payload, at"

// Accept stores an envelope, held by this replica until that time; false when it
// was accepted before. It waits for no update on PostgreSQL: Slack wants its
// acknowledgement soon.
func (s *Store) Accept(ctx context.Context, e access.Envelope, heldUntil time.Time) (fresh bool, err error) {
	err = s.inbox(ctx, func(t *tx) error {
		fresh, err = won(t.Exec(ctx, "INSERT INTO inbox ("+envelopeColumns+", holder, held_until, handled) VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (id) DO NOTHING",
			e.ID, e.Person, bytes(e.Payload), ms(e.At), s.replica, ms(heldUntil)))
		return err
	})
	return fresh, err
}

// OldestEnvelope implements access.OutboxTx.
func (t *tx) OldestEnvelope(ctx context.Context) (time.Time, error) {
	at, err := one(ctx, t, column[int64], "SELECT COALESCE(MIN(at), 0) FROM inbox WHERE handled = 0")
	if at == 0 || err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(at).UTC(), nil
}

// bytes is a payload that is never NULL.
func bytes(payload []byte) []byte {
	if payload == nil {
		return []byte{}
	}
	return payload
}

// Handled marks it as done. Its name stays, so that a late delivery is recognised;
// what it said goes.
func (s *Store) Handled(ctx context.Context, id string) error {
	return s.inbox(ctx, func(t *tx) error {
		_, err := t.Exec(ctx, "UPDATE inbox SET handled = 1, holder = '', payload = $1 WHERE id = $2", []byte{}, id)
		return err
	})
}

// Hold keeps envelopes that this replica holds, until that time.
func (s *Store) Hold(ctx context.Context, ids []string, heldUntil time.Time) error {
	return s.inbox(ctx, func(t *tx) error {
		for _, id := range ids {
			if _, err := t.Exec(ctx, "UPDATE inbox SET held_until = $1 WHERE id = $2 AND holder = $3 AND handled = 0", ms(heldUntil), id, s.replica); err != nil {
				return err
			}
		}
		return nil
	})
}

// Leftovers takes the envelopes that are not handled and no longer held, oldest
// first, and holds them for this replica until that time. Each goes to one caller:
// who comes second to a row finds it held.
func (s *Store) Leftovers(ctx context.Context, now, heldUntil time.Time) (taken []access.Envelope, err error) {
	err = s.inbox(ctx, func(t *tx) error {
		taken, err = many(ctx, t, scanEnvelope,
			"UPDATE inbox SET holder = $1, held_until = $2 WHERE handled = 0 AND (held_until <= $3 OR held_until > $4) RETURNING "+envelopeColumns,
			s.replica, ms(heldUntil), ms(now), ms(heldUntil.Add(wrongClock)))
		return err
	})
	slices.SortFunc(taken, func(a, b access.Envelope) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return taken, err
}

func scanEnvelope(row scanner) (e access.Envelope, err error) {
	err = row.Scan(&e.ID, &e.Person, &e.Payload, instant{&e.At})
	return e, err
}

func (s *Store) inbox(ctx context.Context, fn func(*tx) error) error {
	return s.retry(ctx, func() error { return s.db.single(ctx, fn) })
}
