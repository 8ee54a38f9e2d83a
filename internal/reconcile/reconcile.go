package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// errOutOfLine undoes a transaction that would have settled work on a server which the
// ledger wants otherwise than it is.
var errOutOfLine = errors.New("the server is not in line with the grants")

// Reconcile brings the placements on servers in line with the live grants, wakes the
// work that this causes and updates the results that wait there.
func (e *Engine) Reconcile(ctx context.Context, tx access.Tx, servers []int64) error {
	if len(servers) == 0 {
		return nil
	}
	if err := e.reconcilePlacements(ctx, tx, servers); err != nil {
		return err
	}
	for _, server := range servers {
		if err := e.updateServer(ctx, tx, server); err != nil {
			return err
		}
	}
	return nil
}

// reconcileEach does that in transactions of their own, each for a few servers.
func (e *Engine) reconcileEach(ctx context.Context, servers []int64) error {
	for some := range slices.Chunk(servers, serversAtOnce) {
		if err := e.Store.Update(ctx, func(tx access.Tx) error { return e.Reconcile(ctx, tx, some) }); err != nil {
			return err
		}
	}
	return nil
}

// serversAtOnce bounds one transaction that brings servers in line whose covers were not
// counted.
const serversAtOnce = 10

// reconcilePlacements brings the placements on these servers in line with the live grants and
// wakes the work that this causes.
func (e *Engine) reconcilePlacements(ctx context.Context, tx access.Tx, servers []int64) error {
	changed, err := e.reconcileAndAudit(ctx, tx, servers)
	if err != nil {
		return err
	}
	return e.reportAndWake(ctx, tx, changed)
}

// reconcileAndAudit brings placements in line and records what that moved. That a key is
// wanted follows from the grant, and that one left to be renewed was recorded when it did.
func (e *Engine) reconcileAndAudit(ctx context.Context, tx access.Tx, servers []int64) ([]access.Move, error) {
	changed, err := tx.Reconcile(ctx, e.Now().Truncate(time.Millisecond), servers)
	if err != nil {
		return nil, err
	}
	known := func(m access.Move) bool { return m.From == m.State || m.State == access.PlacementWanted }
	return changed, access.RecordMoves(ctx, tx, e.Now(), slices.DeleteFunc(slices.Clone(changed), known))
}

// reportAndWake has what was brought in line reported and worked on. The clock may have taken
// keys from a grant that nobody has ended yet: it is owed their results like any other.
func (e *Engine) reportAndWake(ctx context.Context, tx access.Tx, changed []access.Move) error {
	leaving := map[string][]access.Placement{} // by system user
	for _, p := range changed {
		if p.State == access.PlacementLeaving {
			leaving[p.SystemUser] = append(leaving[p.SystemUser], p.Placement)
		}
	}
	if len(leaving) > 0 {
		if err := e.oweResults(ctx, tx, leaving); err != nil {
			return err
		}
	}
	placements := make([]access.Placement, len(changed))
	for i, m := range changed {
		placements[i] = m.Placement
	}
	return e.wakeFor(ctx, tx, placements)
}

func (e *Engine) oweResults(ctx context.Context, tx access.Tx, leaving map[string][]access.Placement) error {
	due, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, EndsBefore: e.Now()})
	if err != nil {
		return err
	}
	for _, g := range due {
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		results, err := e.RemovalResults(ctx, tx, g.RequestID, g, access.LiveCovers(covers), leaving[g.SystemUser])
		if err != nil {
			return err
		}
		if err := tx.InsertResults(ctx, results); err != nil {
			return err
		}
	}
	return nil
}

// wakeFor wakes the work on what was brought in line. A key that was to leave and stays
// after all is looked for: whether it is there is known from before.
func (e *Engine) wakeFor(ctx context.Context, tx access.Tx, changed []access.Placement) error {
	var work []access.Work
	for _, p := range changed {
		switch p.State {
		case access.PlacementGone:
			continue
		case access.PlacementPlaced:
			p.VerifyAt = e.Now()
			if _, err := tx.MovePlacement(ctx, p, access.PlacementPlaced, p.Attempts); err != nil {
				return err
			}
		case access.PlacementWanted, access.PlacementUnknown, access.PlacementLeaving:
		}
		work = append(work, WorkOn(p))
	}
	return tx.Wake(ctx, work...)
}
