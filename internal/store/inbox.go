package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/delivery"
)

const envelopeColumns = "id, person, payload, at"

// Accept implements delivery.Inbox. On PostgreSQL it does not wait for the updates of other
// transactions: Slack expects the acknowledgement within three seconds.
func (s *Store) Accept(ctx context.Context, e delivery.Envelope, heldUntil time.Time) (fresh bool, err error) {
	err = s.single(ctx, func(t *tx) error {
		// If the acknowledgement is lost, Slack delivers the envelope again, perhaps to another
		// replica. Whoever inserts the row first handles it.
		fresh, err = won(t.Exec(ctx, "INSERT INTO inbox ("+envelopeColumns+", holder, held_until, handled) VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (id) DO NOTHING",
			e.ID, e.Person, bytes(e.Payload), ms(e.At), s.replica, ms(heldUntil)))
		return err
	})
	return fresh, err
}

// OldestEnvelope implements access.InboxTx.
func (t *tx) OldestEnvelope(ctx context.Context) (time.Time, error) {
	at, err := one(ctx, t, column[int64], "SELECT COALESCE(MIN(at), 0) FROM inbox WHERE handled = 0")
	if at == 0 || err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(at).UTC(), nil
}

// bytes returns the payload, and an empty slice instead of nil, which would be NULL.
func bytes(payload []byte) []byte {
	if payload == nil {
		return []byte{}
	}
	return payload
}

// Handled implements delivery.Inbox. It deletes the payload but keeps the row: Slack may
// deliver the envelope once more after it was handled.
func (s *Store) Handled(ctx context.Context, id string) error {
	return s.single(ctx, func(t *tx) error {
		_, err := t.Exec(ctx, "UPDATE inbox SET handled = 1, holder = '', payload = $1 WHERE id = $2", []byte{}, id)
		return err
	})
}

// Hold implements delivery.Inbox.
func (s *Store) Hold(ctx context.Context, ids []string, heldUntil time.Time) error {
	return s.single(ctx, func(t *tx) error {
		for _, id := range ids {
			// The condition on the holder is for a process that was paused until its hold had
			// ended: another replica has taken the envelope then, and keeps it.
			if _, err := t.Exec(ctx, "UPDATE inbox SET held_until = $1 WHERE id = $2 AND holder = $3 AND handled = 0", ms(heldUntil), id, s.replica); err != nil {
				return err
			}
		}
		return nil
	})
}

// Leftovers implements delivery.Inbox. A hold that is further in the future than any replica
// sets one was set while a clock was wrong, and does not count.
func (s *Store) Leftovers(ctx context.Context, now, heldUntil time.Time) (taken []delivery.Envelope, err error) {
	err = s.single(ctx, func(t *tx) error {
		// Of two replicas that do this at once, the database lets the second one wait for the
		// row and look at it again: it is held then, so each envelope goes to one of them.
		taken, err = many(ctx, t, scanEnvelope,
			"UPDATE inbox SET holder = $1, held_until = $2 WHERE handled = 0 AND (held_until <= $3 OR held_until > $4) RETURNING "+envelopeColumns,
			s.replica, ms(heldUntil), ms(now), ms(heldUntil.Add(wrongClock)))
		return err
	})
	slices.SortFunc(taken, func(a, b delivery.Envelope) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return taken, err
}

func scanEnvelope(row scanner) (e delivery.Envelope, err error) {
	err = row.Scan(&e.ID, &e.Person, &e.Payload, instant{&e.At})
	return e, err
}

// single runs fn, whose statements are complete decisions by themselves, in a transaction
// that on PostgreSQL does not wait for the updates of the ledger.
func (s *Store) single(ctx context.Context, fn func(*tx) error) error {
	return s.retry(ctx, func() error { return s.measure(ctx, s.db.single, true, fn) })
}
