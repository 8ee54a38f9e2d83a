package reconcile

import (
	"context"
	"errors"
	"time"

	"sshkeybot/internal/access"
)

const (
	// MovesAtOnce is about how many placements one transaction brings in line: while it runs, the
	// acknowledgement of a click may have to wait for it.
	MovesAtOnce = 50
	// checkAtOnce is how many servers one call of WakeDue checks, so that a large account is
	// gone through in an hour.
	checkAtOnce = 10
)

// Align brings the servers in line that a decision has left to it, those first to which access
// has ended. It calls settle in the transaction that finds none left.
func (e *Engine) Align(ctx context.Context, settle func(access.Tx) error) error {
	for {
		for more := true; more; {
			if err := e.Store.Update(ctx, func(tx access.Tx) error {
				marked, err := tx.MarkedOutOfLine(ctx, MovesAtOnce)
				if more = len(marked) > 0; err != nil || !more {
					return err
				}
				_, _, err = e.AlignSome(ctx, tx, marked, MovesAtOnce)
				return err
			}); err != nil {
				return err
			}
		}
		err := e.Store.Update(ctx, func(tx access.Tx) error {
			if err := settle(tx); err != nil {
				return err
			}
			marked, err := tx.MarkedOutOfLine(ctx, 1)
			if err == nil && len(marked) > 0 {
				err = errMoreWork
			}
			return err
		})
		if !errors.Is(err, errMoreWork) {
			return err
		}
	}
}

// AlignSome brings servers in line, one after the other, until there is no room for more moves of
// placements, and does what follows from that. It returns the other servers, and the room that is
// left.
func (e *Engine) AlignSome(ctx context.Context, tx access.Tx, servers []int64, room int) (rest []int64, left int, err error) {
	var changed []access.Move
	rest = servers
	for len(rest) > 0 && room > 0 {
		moved, err := tx.Reconcile(ctx, e.Now().Truncate(time.Millisecond), rest[:1])
		if err != nil {
			return nil, 0, err
		}
		changed, rest, room = append(changed, moved...), rest[1:], room-max(1, len(moved))
	}
	return rest, room, e.follow(ctx, tx, servers[:len(servers)-len(rest)], changed)
}

// MarkOutOfLine leaves it to Align to bring servers in line; ends says whether access to them
// may have ended.
func (e *Engine) MarkOutOfLine(ctx context.Context, tx access.Tx, servers []int64, ends bool) error {
	if len(servers) == 0 {
		return nil
	}
	if err := tx.MarkOutOfLine(ctx, servers, ends); err != nil {
		return err
	}
	return tx.Wake(ctx, access.Work{Kind: access.WorkAlign})
}

// MarkEnded leaves it to Align to bring the servers in line on which a grant covered keys that have
// not begun to leave.
func (e *Engine) MarkEnded(ctx context.Context, tx access.Tx, grantID int64) error {
	if err := tx.MarkEnded(ctx, grantID); err != nil {
		return err
	}
	return tx.Wake(ctx, access.Work{Kind: access.WorkAlign})
}

// checkSome marks those of the next few servers that are out of line though nobody has said so:
// every change of a grant brings its servers in line or marks them, and this is only the check
// on that.
func (e *Engine) checkSome(ctx context.Context) error {
	var wrong []int64
	err := e.Store.Read(ctx, func(tx access.Tx) error {
		some, err := tx.ServersAfter(ctx, e.checked.Load(), checkAtOnce)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			e.checked.Store(0) // from the beginning, next time
			return nil
		}
		e.checked.Store(some[len(some)-1])
		wrong, err = tx.OutOfLine(ctx, e.Now().Truncate(time.Millisecond), some)
		return err
	})
	if err != nil || len(wrong) == 0 {
		return err
	}
	return e.Store.Update(ctx, func(tx access.Tx) error { return e.MarkOutOfLine(ctx, tx, wrong, true) })
}
