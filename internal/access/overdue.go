package access

import (
	"context"
	"slices"
)

// Overdue counts what should be over by the clock, whether or not the ledger could be
// told so.
type Overdue struct {
	Grants   int // live ones past their end
	Removals int // keys that are, or may be, on a server, and that no grant covers now
}

// Overdue reads what is overdue. It writes nothing, so that it can be told while the
// ledger cannot be written.
func (s *Service) Overdue(ctx context.Context) (o Overdue, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		o = Overdue{}
		leaving, err := tx.Placements(ctx, PlacementQuery{States: []PlacementState{PlacementLeaving}})
		if err != nil {
			return err
		}
		for _, p := range leaving {
			if !p.Urgent { // a renewal is no removal
				o.Removals++
			}
		}
		due, err := tx.Grants(ctx, GrantQuery{State: Live, EndsBefore: s.Now()})
		if err != nil {
			return err
		}
		o.Grants = len(due)
		uncovered, err := s.uncovered(ctx, tx, due)
		o.Removals += uncovered
		return err
	})
	return o, err
}

// uncovered counts the keys of grants past their end that no other grant covers.
func (s *Service) uncovered(ctx context.Context, tx Tx, due []Grant) (n int, err error) {
	seen := map[int64]bool{}
	for _, g := range due {
		there, err := s.keysOf(ctx, tx, g)
		if err != nil {
			return 0, err
		}
		for _, p := range there {
			covered, _, err := tx.Covered(ctx, p, s.Now())
			if err != nil {
				return 0, err
			}
			if !covered && !seen[p.ID] {
				n++
			}
			seen[p.ID] = true
		}
	}
	return n, nil
}

// keysOf lists the keys that a grant has, or may have, on servers.
func (s *Service) keysOf(ctx context.Context, tx Tx, g Grant) ([]Placement, error) {
	covers, err := tx.Covers(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	covers = liveCovers(covers)
	covered := map[Cover]bool{}
	for _, c := range covers {
		covered[Cover{ServerID: c.ServerID, Fingerprint: c.Fingerprint}] = true
	}
	there, err := tx.Placements(ctx, PlacementQuery{
		Servers: serversOf(covers), SystemUser: g.SystemUser, Person: g.Person, States: []PlacementState{PlacementPlaced, PlacementUnknown},
	})
	return slices.DeleteFunc(there, func(p Placement) bool { return !covered[Cover{ServerID: p.ServerID, Fingerprint: p.Fingerprint}] }), err
}
