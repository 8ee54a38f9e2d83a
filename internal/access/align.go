package access

import (
	"context"
	"errors"
	"slices"
	"time"
)

// coversAtOnce is how many covers one transaction brings in line at most, so that no
// decision, however large, holds up what others write meanwhile: the work on each of the
// other servers brings its own in line, in a transaction of its own.
const coversAtOnce = 100

// errOutOfLine undoes a transaction that would have settled work on a server which the
// ledger wants otherwise than it is.
var errOutOfLine = errors.New("the server is not in line with the grants")

// atOnce splits the servers of covers into those with no more covers than there is room
// for, and the rest. It returns the room that is left.
func atOnce(covers []Cover, room int) (first, rest []int64, left int) {
	count := map[int64]int{}
	for _, c := range covers {
		count[c.ServerID]++
	}
	for _, server := range serversOf(covers) {
		if count[server] > room {
			room = 0
			rest = append(rest, server)
			continue
		}
		room -= count[server]
		first = append(first, server)
	}
	return first, rest, room
}

// bringInLine brings the placements on servers in line with the live grants, wakes the
// work that this causes and updates the results that wait there.
func (s *Service) bringInLine(ctx context.Context, tx Tx, servers []int64) error {
	if len(servers) == 0 {
		return nil
	}
	if err := s.align(ctx, tx, servers); err != nil {
		return err
	}
	for _, server := range servers {
		if err := s.updateServer(ctx, tx, server); err != nil {
			return err
		}
	}
	return nil
}

// bringServersInLine does that in transactions of their own, each for a few servers.
func (s *Service) bringServersInLine(ctx context.Context, servers []int64) error {
	for some := range slices.Chunk(servers, serversAtOnce) {
		if err := s.Store.Update(ctx, func(tx Tx) error { return s.bringInLine(ctx, tx, some) }); err != nil {
			return err
		}
	}
	return nil
}

// serversAtOnce bounds one transaction that brings servers in line whose covers were not
// counted.
const serversAtOnce = 10

// wakeServers wakes one sort of work on servers.
func wakeServers(ctx context.Context, tx Tx, kind WorkKind, servers []int64) error {
	work := make([]Work, len(servers))
	for i, id := range servers {
		work[i] = Work{Kind: kind, ID: id}
	}
	return tx.Wake(ctx, work...)
}

// align brings the placements on these servers in line with the live grants and
// wakes the work that this causes.
func (s *Service) align(ctx context.Context, tx Tx, servers []int64) error {
	changed, err := s.aligned(ctx, tx, servers)
	if err != nil {
		return err
	}
	return s.follow(ctx, tx, changed)
}

// aligned brings placements in line and notes what that moved. That a key is wanted
// follows from the grant.
func (s *Service) aligned(ctx context.Context, tx Tx, servers []int64) ([]Placement, error) {
	now := s.Now().Truncate(time.Millisecond)
	changed, err := tx.Align(ctx, now, servers)
	if err != nil {
		return nil, err
	}
	for _, p := range changed {
		from := PlacementPlaced
		switch {
		case p.State == PlacementWanted, p.State == PlacementLeaving && p.LeftAt.Before(now): // that was noted when it left to be renewed
			continue
		case p.State == PlacementGone:
			from = PlacementWanted
		case p.State == PlacementPlaced || p.State == PlacementUnknown:
			from = PlacementLeaving
		case p.CredentialID == 0:
			from = PlacementUnknown
		}
		if err := s.auditMove(ctx, tx, p, from); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// follow has what was brought in line reported and worked on. The clock may have taken
// keys from a grant that nobody has ended yet: it is owed their results like any other.
func (s *Service) follow(ctx context.Context, tx Tx, changed []Placement) error {
	leaving := map[string][]Placement{} // by system user
	for _, p := range changed {
		if p.State == PlacementLeaving {
			leaving[p.SystemUser] = append(leaving[p.SystemUser], p)
		}
	}
	if len(leaving) > 0 {
		if err := s.oweDue(ctx, tx, leaving); err != nil {
			return err
		}
	}
	return s.wakeFor(ctx, tx, changed)
}

func (s *Service) oweDue(ctx context.Context, tx Tx, leaving map[string][]Placement) error {
	due, err := tx.Grants(ctx, GrantQuery{State: Live, EndsBefore: s.Now()})
	if err != nil {
		return err
	}
	for _, g := range due {
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		results, err := s.removalResults(ctx, tx, g.RequestID, g, liveCovers(covers), leaving[g.SystemUser])
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
func (s *Service) wakeFor(ctx context.Context, tx Tx, changed []Placement) error {
	var work []Work
	for _, p := range changed {
		switch p.State {
		case PlacementGone:
			continue
		case PlacementPlaced:
			p.VerifyAt = s.Now()
			if _, err := tx.MovePlacement(ctx, p, PlacementPlaced, p.Attempts); err != nil {
				return err
			}
		case PlacementWanted, PlacementUnknown, PlacementLeaving:
		}
		work = append(work, workOn(p))
	}
	return tx.Wake(ctx, work...)
}
