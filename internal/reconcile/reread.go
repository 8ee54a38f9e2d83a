package reconcile

import (
	"context"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// rereadAfter is when a server is read once more, after it was settled that a key is not
// there, for a call that lands only then.
var rereadAfter = [...]time.Duration{time.Hour, 12 * time.Hour}

// rereadsAtOnce is how many servers one call of RereadServers reads.
const rereadsAtOnce = 20

// rereadLater has the server of a placement read again later.
func (e *Engine) rereadLater(ctx context.Context, tx access.Tx, p access.Placement) error {
	for _, after := range rereadAfter {
		if err := tx.AddReread(ctx, p.ID, e.Now().Add(after)); err != nil {
			return err
		}
	}
	return nil
}

// rereadWhenGone has the server read again where a key of somebody who was offboarded is
// gone.
func (e *Engine) rereadWhenGone(ctx context.Context, tx access.Tx, p access.Placement) error {
	person, err := tx.Person(ctx, p.Person)
	if err != nil || !person.Offboarded() || p.GrantID == 0 || p.Problem == access.ProblemServerLeft {
		return err
	}
	return e.rereadLater(ctx, tx, p)
}

// RereadServers reads the servers where a call without an answer may have landed after all,
// one list for each. A key under our own label that the ledger does not account for is
// removed, and its results are reopened.
func (e *Engine) RereadServers(ctx context.Context) error {
	due, err := e.dueRereads(ctx)
	if err != nil {
		return err
	}
	servers := 0
	for len(due) > 0 && servers < rereadsAtOnce {
		n := 1
		for n < len(due) && due[n].ServerID == due[0].ServerID {
			n++
		}
		if err := e.reread(ctx, due[:n]); err != nil {
			return err
		}
		due, servers = due[n:], servers+1
	}
	return nil
}

func (e *Engine) dueRereads(ctx context.Context) (due []access.Placement, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		if due, err = tx.DueRereads(ctx, e.Now()); err != nil {
			return err
		}
		due, err = e.workable(ctx, tx, due)
		return err
	})
	return due, err
}

// workable leaves out the placements on targets that are halted or not configured.
func (e *Engine) workable(ctx context.Context, tx access.Tx, all []access.Placement) ([]access.Placement, error) {
	can := map[int64]bool{}
	for _, p := range all {
		if _, asked := can[p.ServerID]; asked {
			continue
		}
		at, err := e.identityOf(ctx, tx, p.ServerID)
		if err != nil {
			return nil, err
		}
		_, unconfigured := e.target(at.Target)
		state, err := tx.Target(ctx, at.Target)
		if err != nil {
			return nil, err
		}
		can[p.ServerID] = unconfigured == nil && !state.Halted()
	}
	return slices.DeleteFunc(all, func(p access.Placement) bool { return !can[p.ServerID] }), nil
}

// reread reads the server that all of these placements are of.
func (e *Engine) reread(ctx context.Context, due []access.Placement) error {
	at, err := e.placeOf(ctx, due[0].ServerID)
	if err != nil {
		return err
	}
	call, release, err := at.target.Acquire(ctx, access.Addition)
	if err != nil {
		return err
	}
	found, unread := at.target.List(call, at.id)
	release()
	if halted := e.haltIfUnauthorized(ctx, at.target.Name(), unread); halted != nil {
		return halted
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		for _, p := range due {
			if err := e.settleReread(ctx, tx, p.ID, found, unread); err != nil {
				return err
			}
		}
		return nil
	})
}

// settleReread records what a list that was read, or could not be, says of one placement.
func (e *Engine) settleReread(ctx context.Context, tx access.Tx, id int64, found []access.Credential, unread error) error {
	now := e.Now()
	if err := tx.DropRereads(ctx, id, now); err != nil {
		return err
	}
	was, err := tx.Placement(ctx, id)
	if err != nil {
		return err
	}
	if unread != nil {
		return e.rereadFailed(ctx, tx, was)
	}
	own, err := e.ownOn(ctx, tx, was, found)
	if err != nil || len(own) == 0 {
		return err
	}
	switch was.State {
	// A call landed after its placement was held to be gone, and was reported as removed.
	case access.PlacementGone:
		return e.removeLanded(ctx, tx, was, own)
	// It landed beside what a later call placed: all of them are doubles.
	case access.PlacementPlaced:
		return e.removeExtras(ctx, tx, was, own)
	// It landed before the key was placed anew: its own work finds it, and does not place another.
	case access.PlacementWanted:
		next := was
		next.State, next.InDoubtUntil, next.NextAt = access.PlacementUnknown, now, now
		if _, err := e.move(ctx, tx, next, was); err != nil {
			return err
		}
		return tx.Wake(ctx, WorkOn(next))
	// The removal of a key by its id reads no list, so it would leave the double.
	case access.PlacementLeaving:
		if was.CredentialID != "" {
			return e.removeExtras(ctx, tx, was, own)
		}
	case access.PlacementUnknown:
	}
	return nil // its own work reads the list as well, before it places the key or says that it is gone
}

// rereadFailed puts a look off whose list could not be read; on a server that is gone
// for good there is nothing to read.
func (e *Engine) rereadFailed(ctx context.Context, tx access.Tx, p access.Placement) error {
	server, err := tx.Server(ctx, p.ServerID)
	if err != nil || server.Gone() {
		return err
	}
	return tx.AddReread(ctx, p.ID, e.Now().Add(rereadAfter[0]))
}

// removeLanded has a key removed that was held to be gone and has turned up.
func (e *Engine) removeLanded(ctx context.Context, tx access.Tx, was access.Placement, own []access.Credential) error {
	next := was
	next.State, next.CredentialID, next.GoneAt = access.PlacementLeaving, own[0].ID, time.Time{}
	next.Attempts, next.NextAt, next.Setback = 0, e.Now(), access.Setback{}
	if _, err := e.move(ctx, tx, next, was); err != nil {
		return err
	}
	return e.removeExtras(ctx, tx, next, own[1:])
}
