package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// errOutOfLine undoes a transaction that would have settled work on a server which a change of
// the grants has marked.
var errOutOfLine = errors.New("the server may not be in line with the grants")

// Reconcile brings the placements on servers in line with the live grants, wakes the
// work that this causes and updates the results that wait there.
func (e *Engine) Reconcile(ctx context.Context, tx access.Tx, servers []int64) error {
	if len(servers) == 0 {
		return nil
	}
	changed, err := tx.Reconcile(ctx, e.Now().Truncate(time.Millisecond), servers)
	if err != nil {
		return err
	}
	return e.follow(ctx, tx, servers, changed)
}

// follow does what has to follow from bringing servers in line.
func (e *Engine) follow(ctx context.Context, tx access.Tx, servers []int64, changed []access.Move) error {
	if err := e.reportAndWake(ctx, tx, changed); err != nil {
		return err
	}
	for _, server := range servers {
		if err := e.updateServer(ctx, tx, server); err != nil {
			return err
		}
	}
	return nil
}

// reconcilePlacements brings the placements on these servers in line with the live grants and
// wakes the work that this causes.
func (e *Engine) reconcilePlacements(ctx context.Context, tx access.Tx, servers []int64) error {
	changed, err := tx.Reconcile(ctx, e.Now().Truncate(time.Millisecond), servers)
	if err != nil {
		return err
	}
	return e.reportAndWake(ctx, tx, changed)
}

// auditAligned records what bringing servers in line moved. That a key is wanted follows from
// the grant, and that one left to be renewed was recorded when it did.
func (e *Engine) auditAligned(ctx context.Context, tx access.Tx, changed []access.Move) error {
	known := func(m access.Move) bool { return m.From == m.State || m.State == access.PlacementWanted }
	return access.RecordMoves(ctx, tx, e.Now(), slices.DeleteFunc(slices.Clone(changed), known))
}

// reportAndWake has what was brought in line recorded, reported and worked on. The clock may
// have taken keys from a grant that nobody has ended yet: it is owed their results like any
// other.
func (e *Engine) reportAndWake(ctx context.Context, tx access.Tx, changed []access.Move) error {
	if err := e.auditAligned(ctx, tx, changed); err != nil {
		return err
	}
	var left []int64
	placements := make([]access.Placement, len(changed))
	for i, m := range changed {
		placements[i] = m.Placement
		if m.State == access.PlacementLeaving {
			left = append(left, m.ServerID)
		}
	}
	if len(left) > 0 {
		slices.Sort(left)
		if err := e.oweResults(ctx, tx, slices.Compact(left)); err != nil {
			return err
		}
	}
	return e.wakeFor(ctx, tx, placements)
}

func (e *Engine) oweResults(ctx context.Context, tx access.Tx, servers []int64) error {
	over, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, EndsBefore: e.Now()})
	if err != nil {
		return err
	}
	for _, g := range over {
		if err := tx.OweRemovals(ctx, g.RequestID, g.ID, access.CoverQuery{Servers: servers}, e.Now()); err != nil {
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
