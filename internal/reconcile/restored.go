package reconcile

import (
	"context"
	"math"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// A ledger that was put back from a copy does not know what happened after that was made. Every
// server is read at once, and what is there is compared with the copy: a key that was renewed
// since has another id, one that is missing may have been taken away for a reason, and one that
// the copy does not know is an orphan.

// How long readings stand while a restored ledger waits for them, and after what time one that
// failed is tried again.
const (
	restoredFresh = 5 * time.Minute
	restoredAgain = time.Minute
)

// ReadAll has the lists of all targets' servers read anew, and every server for orphans.
func (e *Engine) ReadAll(ctx context.Context, tx access.Tx) error {
	if err := tx.SetRead(ctx, nil, time.Time{}); err != nil {
		return err
	}
	return listAgain(ctx, tx)
}

// Unread is what was not read yet since a time.
type Unread struct {
	Targets []access.TargetState // whose list of servers was not read, or is doubted; Name is its title
	Servers []access.ServerRef   // that were not read for orphans
}

// Done reports whether everything was read.
func (u Unread) Done() bool { return len(u.Targets)+len(u.Servers) == 0 }

// UnreadSince returns what of the targets that are configured was not read since a time.
func (e *Engine) UnreadSince(ctx context.Context, tx access.Tx, since time.Time) (u Unread, err error) {
	var names []string
	for _, t := range e.Targets {
		names = append(names, t.Name())
		state, err := tx.Target(ctx, t.Name())
		if err != nil {
			return u, err
		}
		if state.Halted() || state.Doubt != "" || state.ListedAt.Before(since) {
			state.Name = t.Title()
			u.Targets = append(u.Targets, state)
		}
	}
	due, err := tx.DueReadings(ctx, names, e.Now(), since.Add(-time.Millisecond), math.MaxInt32)
	if err != nil {
		return u, err
	}
	for _, server := range due {
		u.Servers = append(u.Servers, server.Ref())
	}
	all, err := tx.Servers(ctx)
	for _, server := range all {
		if server.Missing() && slices.Contains(names, server.Target) { // which are not due
			u.Servers = append(u.Servers, server.Ref())
		}
	}
	return u, err
}

// compareCopy brings what a restored ledger holds of a server in line with a list that was read
// since began, as far as that needs no decision.
func (e *Engine) compareCopy(ctx context.Context, tx access.Tx, server int64, found []access.Credential, began time.Time) error {
	c, err := e.compare(ctx, tx, server, found, began)
	if err != nil {
		return err
	}
	var missing []access.Placement
	for _, p := range c.Missing {
		renewed, err := e.adoptRenewed(ctx, tx, p, found)
		if err != nil {
			return err
		}
		if !renewed {
			missing = append(missing, p)
		}
	}
	return e.missingFrom(ctx, tx, missing)
}

// adoptRenewed takes a credential with the label of a placed key that is missing, and whose key
// fits, for what a renewal has placed after the copy was made. It reports whether there is one.
func (e *Engine) adoptRenewed(ctx context.Context, tx access.Tx, was access.Placement, found []access.Credential) (bool, error) {
	own, err := e.ownOn(ctx, tx, was, found)
	if err != nil || len(own) == 0 {
		return false, err
	}
	key, err := tx.Key(ctx, was.Fingerprint)
	if err != nil || !sshkey.CouldBe(own[0].PublicKey, key.Public()) {
		return false, err
	}
	if err := e.savePlaced(ctx, tx, was, was, own[0]); err != nil {
		return false, err
	}
	return true, access.RecordMoves(ctx, tx, e.Now(), []access.Move{{From: was.State, Action: access.DidPlacementPlaced, Placement: was}})
}

// TryNow has everything tried soon that waits for another try, once access is given again.
func (e *Engine) TryNow(ctx context.Context, tx access.Tx) error {
	now := e.Now()
	return tx.CapWaits(ctx, access.Waits{Retry: now, Refused: now.Add(longestRefusal), Limited: now.Add(longestWait), InDoubt: now.Add(longestDoubt)})
}
