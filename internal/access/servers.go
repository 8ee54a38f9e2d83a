package access

import (
	"context"
	"slices"
	"time"
)

// servers answers the account's servers from a reading at most fresh old. While
// several callers find it too old, one reads and the others wait for it.
func (s *Service) servers(ctx context.Context, fresh time.Duration) ([]Server, error) {
	if err := s.refresh.take(ctx); err != nil {
		return nil, err
	}
	defer s.refresh.giveBack()
	known, err := s.knownServers(ctx)
	if err != nil || s.isFresh(ctx, fresh) {
		return known, err
	}
	if err := s.readServers(ctx); err != nil {
		return nil, err
	}
	return s.knownServers(ctx)
}

func (s *Service) knownServers(ctx context.Context) (servers []Server, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		servers, err = tx.Servers(ctx)
		return err
	})
	return servers, err
}

// flagServersRead keeps when all servers were last read, in RFC 3339.
const flagServersRead = "servers_read"

func (s *Service) isFresh(ctx context.Context, fresh time.Duration) bool {
	var at time.Time
	err := s.Store.Read(ctx, func(tx Tx) error {
		value, err := tx.Flag(ctx, flagServersRead)
		if err == nil && value != "" {
			at, err = time.Parse(time.RFC3339Nano, value)
		}
		return err
	})
	age := s.Now().Sub(at)
	return err == nil && age < fresh && age >= 0 // a clock that jumped back makes a reading old
}

// readServers reads all servers and wakes the work on those that came back.
func (s *Service) readServers(ctx context.Context) error {
	servers, err := s.Target.Servers(ctx)
	if err != nil {
		return err
	}
	return s.saveServers(ctx, servers, true)
}

// returnedFresh is how old the list of servers may be that keys wait for. Servers that
// left rarely come back, and each reading may be many calls.
const returnedFresh = 6 * time.Hour

// FindReturned reads the list of servers where keys were given up with a server that
// left the account: should it come back, they are removed.
func (s *Service) FindReturned(ctx context.Context) error {
	var givenUp []Placement
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
		givenUp, err = tx.Placements(ctx, PlacementQuery{States: []PlacementState{PlacementGone}, Problem: ProblemServerLeft, Limit: 1})
		return err
	})
	if err != nil || len(givenUp) == 0 || s.patience(Reading) != nil {
		return err
	}
	_, err = s.servers(ctx, returnedFresh)
	return err
}

// hasLeft believes that a server that was not found has left the account only when
// a complete reading of the list lacks it too.
func (s *Service) hasLeft(ctx context.Context, server int64) (bool, error) {
	if err := s.readServers(ctx); err != nil {
		return false, err
	}
	servers, err := s.knownServers(ctx)
	return !slices.ContainsFunc(servers, func(known Server) bool { return known.ID == server }), err
}

func (s *Service) saveServers(ctx context.Context, servers []Server, complete bool) error {
	return s.Store.Update(ctx, func(tx Tx) error {
		now := s.Now()
		changed, err := tx.SaveServers(ctx, servers, complete, now)
		if err != nil {
			return err
		}
		if complete {
			if err := tx.SetFlag(ctx, flagServersRead, now.UTC().Format(time.RFC3339Nano)); err != nil {
				return err
			}
		}
		return s.serversChanged(ctx, tx, changed, now)
	})
}

// serversChanged makes everything due on servers that came online, left the account
// or came back to it.
func (s *Service) serversChanged(ctx context.Context, tx Tx, ids []int64, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	if err := s.backWithServers(ctx, tx, ids); err != nil {
		return err
	}
	waiting, err := tx.Placements(ctx, PlacementQuery{Servers: ids, States: []PlacementState{PlacementWanted, PlacementLeaving}})
	if err != nil {
		return err
	}
	for _, p := range waiting {
		p.NextAt = now
		if _, err := tx.MovePlacement(ctx, p, p.State, p.Attempts); err != nil {
			return err
		}
		if err := tx.Wake(ctx, workOn(p)); err != nil {
			return err
		}
	}
	return nil
}

// backWithServers has the keys looked for again that were given up with a server that
// is back in the account.
func (s *Service) backWithServers(ctx context.Context, tx Tx, ids []int64) error {
	givenUp, err := tx.Placements(ctx, PlacementQuery{Servers: ids, States: []PlacementState{PlacementGone}, Problem: ProblemServerLeft})
	if err != nil {
		return err
	}
	for _, was := range givenUp {
		server, err := tx.Server(ctx, was.ServerID)
		if err != nil {
			return err
		}
		if !server.GoneAt.IsZero() {
			continue
		}
		next := was
		next.State, next.GoneAt, next.RecheckAt, next.NextAt = PlacementLeaving, time.Time{}, s.Now(), s.Now()
		next.Problem, next.Detail = NoProblem, ""
		if _, err := s.move(ctx, tx, next, was); err != nil {
			return err
		}
	}
	return nil
}

// workOn answers the work that a placement needs.
func workOn(p Placement) Work {
	switch p.priority() {
	case Removal:
		return Work{Kind: WorkRemove, ID: p.ServerID}
	case Renewal:
		return Work{Kind: WorkRenew, ID: p.ServerID}
	case Addition, Reading:
	}
	return Work{Kind: WorkAdd, ID: p.ServerID}
}
