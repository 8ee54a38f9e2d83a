package access

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// serverList is what the ledger holds of the target's servers at one moment. Its parts are
// read together: another replica may store a newer list between two looks.
type serverList struct {
	all   []Server  // that are not settled as gone, by name
	read  time.Time // when the target's list was last read; zero for never, or when it is to be read anew
	doubt string    // why that list is not believed; empty while it is
}

// freshAt reports whether the list was read within age. A clock that jumped back makes a
// reading old.
func (l serverList) freshAt(now time.Time, age time.Duration) bool {
	since := now.Sub(l.read)
	return since >= 0 && since < age
}

// listed returns the servers that access may be asked for: those that the target lists or,
// while that list is doubted, those that are known; none that is missing.
func (l serverList) listed() []Server {
	return slices.DeleteFunc(slices.Clone(l.all), func(server Server) bool {
		return server.Missing() || l.doubt == "" && server.SeenAt.Before(l.read)
	})
}

// servers returns the servers as a reading of the target's list at most fresh old says.
// While several callers find it too old, one reads and the others wait for it.
func (s *Service) servers(ctx context.Context, fresh time.Duration) (serverList, error) {
	if err := s.refresh.take(ctx); err != nil {
		return serverList{}, err
	}
	defer s.refresh.giveBack()
	known, err := s.knownServers(ctx)
	if err != nil || known.freshAt(s.Now(), fresh) {
		return known, err
	}
	if err := s.readServers(ctx); err != nil {
		return serverList{}, err
	}
	return s.knownServers(ctx)
}

// knownServers returns what the ledger holds of the servers, however old.
func (s *Service) knownServers(ctx context.Context) (l serverList, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		if l.all, err = tx.Servers(ctx); err != nil {
			return err
		}
		if l.read, err = serversRead(ctx, tx); err != nil {
			return err
		}
		l.doubt, err = tx.Flag(ctx, flagServersDoubt)
		return err
	})
	return l, err
}

// flagServersRead keeps when all servers were last read, in RFC 3339.
const flagServersRead = "servers_read"

func serversRead(ctx context.Context, tx Tx) (time.Time, error) {
	value, err := tx.Flag(ctx, flagServersRead)
	if err != nil || value == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, value)
}

// flagServersDoubt keeps why the list that was last read is doubted; empty while it is not.
const flagServersDoubt = "servers_doubt"

// readServers reads all servers and wakes the work on those that came back. Nothing counts
// as gone because the list lacks it: FindReturned asks.
func (s *Service) readServers(ctx context.Context) error {
	list, err := s.Target.Servers(ctx)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		now := s.Now().Truncate(time.Millisecond)
		doubt, err := doubtOf(ctx, tx, list)
		if err != nil {
			return err
		}
		if err := tx.SetFlag(ctx, flagServersDoubt, doubt); err != nil {
			return err
		}
		if err := tx.SetFlag(ctx, flagServersRead, now.UTC().Format(time.RFC3339Nano)); err != nil {
			return err
		}
		return s.saveServers(ctx, tx, list, now)
	})
}

// doubtOf says why a list of servers is not believed: it is empty, or has lost more than a
// tenth of those that were there. One that was not found when it was asked for is not lost.
func doubtOf(ctx context.Context, tx Tx, list []Server) (string, error) {
	all, err := tx.AllServers(ctx)
	if err != nil {
		return "", err
	}
	there, lost, open := 0, 0, 0
	for _, known := range all {
		if !known.Gone() {
			open++
		}
		if known.Gone() || known.Missing() {
			continue
		}
		there++
		if !slices.ContainsFunc(list, func(s Server) bool { return s.ID == known.ID }) {
			lost++
		}
	}
	switch {
	case len(list) == 0 && (open > 0 || len(all) == 0):
		return "The list is empty.", nil
	case 10*lost > there:
		return fmt.Sprintf("The list lacks %d of %d servers.", lost, there), nil
	}
	return "", nil
}

func (s *Service) saveServers(ctx context.Context, tx Tx, servers []Server, now time.Time) error {
	changed, err := tx.SaveServers(ctx, servers, now)
	if err != nil {
		return err
	}
	return s.serversChanged(ctx, tx, changed, now)
}

// serversChanged makes everything due on servers that came online or came back.
func (s *Service) serversChanged(ctx context.Context, tx Tx, ids []int64, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	if err := s.backWithServers(ctx, tx, ids); err != nil {
		return err
	}
	return s.hasten(ctx, tx, ids, now)
}

// hasten makes what waits on servers due now.
func (s *Service) hasten(ctx context.Context, tx Tx, ids []int64, now time.Time) error {
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

// backWithServers has what was given up with a server that is back looked for again: its
// keys, and the keys on it that the bot did not place.
func (s *Service) backWithServers(ctx context.Context, tx Tx, ids []int64) error {
	givenUp, err := tx.Placements(ctx, PlacementQuery{Servers: ids, States: []PlacementState{PlacementGone}, Problem: ProblemServerLeft})
	if err != nil {
		return err
	}
	for _, was := range givenUp {
		next := was
		next.State, next.GoneAt, next.RecheckAt, next.NextAt = PlacementLeaving, time.Time{}, s.Now(), s.Now()
		next.Problem, next.Detail = NoProblem, ""
		if _, err := s.move(ctx, tx, next, was); err != nil {
			return err
		}
	}
	for _, id := range ids {
		reopened, err := tx.ReopenInspections(ctx, id)
		if err != nil {
			return err
		}
		if err := s.unsay(ctx, tx, reopened); err != nil {
			return err
		}
		if err := s.hastenInspections(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// hastenInspections has a server that is back read at once for whoever waits for that.
func (s *Service) hastenInspections(ctx context.Context, tx Tx, server int64) error {
	open, err := tx.OpenResults(ctx, server, "", "")
	if err != nil || len(open) == 0 {
		return err
	}
	return tx.Wake(ctx, Work{Kind: WorkInspect, ID: server})
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
