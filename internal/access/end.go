package access

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ending says who ends access and why.
type ending struct {
	actor   UserID
	reason  EndReason
	request int64 // under which request the removals are reported; 0 is each grant's own
}

// under answers the request under which the removals of a grant are reported.
func (e ending) under(g Grant) int64 {
	if e.request != 0 {
		return e.request
	}
	return g.RequestID
}

// endGrants ends live grants, and starts the removal of what no other grant covers: all
// of them end first, so that none is taken for a reason to keep what it covers.
func (s *Service) endGrants(ctx context.Context, tx Tx, e ending, grants []Grant) error {
	ended := map[int64][]Cover{}
	for _, g := range grants {
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		won, err := s.closeGrant(ctx, tx, e, g)
		if err != nil {
			return err
		}
		if won {
			ended[g.ID] = liveCovers(covers)
		}
	}
	room := coversAtOnce
	for _, g := range grants {
		covers, won := ended[g.ID]
		if !won {
			continue
		}
		var err error
		if room, err = s.withdraw(ctx, tx, e.under(g), g, covers, room); err != nil {
			return err
		}
	}
	return nil
}

func liveCovers(covers []Cover) []Cover {
	return slices.DeleteFunc(covers, func(c Cover) bool { return !c.EndedAt.IsZero() })
}

func (s *Service) closeGrant(ctx context.Context, tx Tx, e ending, g Grant) (bool, error) {
	g.State, g.EndedAt, g.EndReason, g.EndedBy = Ended, s.Now(), e.reason, e.actor
	won, err := tx.MoveGrant(ctx, g, Live)
	if err != nil || !won {
		return won, err
	}
	if err := Record(ctx, tx, s.Now(), e.actor, "grant.end", "grant", g.ID, string(Live), string(Ended), string(e.reason)); err != nil {
		return false, err
	}
	if err := s.closeExtensions(ctx, tx, g); err != nil {
		return false, err
	}
	if err := s.redrawHome(ctx, tx, g.Person); err != nil {
		return false, err
	}
	return true, tx.Announce(ctx, g.RequestID)
}

// closeExtensions closes the requests for more time of a grant that has ended.
func (s *Service) closeExtensions(ctx context.Context, tx Tx, g Grant) error {
	open, err := tx.Requests(ctx, RequestQuery{States: []RequestState{Pending}, Kinds: []RequestKind{KindExtend}, Person: g.Person})
	if err != nil {
		return err
	}
	for _, r := range open {
		if r.GrantID != g.ID || !s.Now().Before(r.ExpiresAt) { // it expires with the grant
			continue
		}
		if _, err := s.close(ctx, tx, r, Cancelled, "", "the access that it would prolong has ended."); err != nil {
			return err
		}
	}
	return nil
}

// endCovers ends parts of live grants, and the grants of which nothing is left.
func (s *Service) endCovers(ctx context.Context, tx Tx, e ending, q CoverQuery) error {
	grants, err := tx.Grants(ctx, GrantQuery{State: Live, Person: q.Person})
	if err != nil {
		return err
	}
	ended := map[int64][]Cover{}
	for _, g := range grants {
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		ended[g.ID] = slices.DeleteFunc(liveCovers(covers), func(c Cover) bool { return !q.matches(c) })
	}
	if err := tx.EndCovers(ctx, q, s.Now()); err != nil {
		return err
	}
	empty, err := tx.EmptyGrants(ctx)
	if err != nil {
		return err
	}
	for _, g := range empty {
		if _, err := s.closeGrant(ctx, tx, e, g); err != nil {
			return err
		}
	}
	room := coversAtOnce
	for _, g := range grants {
		if len(ended[g.ID]) == 0 {
			continue
		}
		if err := s.auditNarrowed(ctx, tx, e, g, ended[g.ID]); err != nil {
			return err
		}
		if room, err = s.withdraw(ctx, tx, e.under(g), g, ended[g.ID], room); err != nil {
			return err
		}
		if err := s.factsChanged(ctx, tx, g.Person); err != nil {
			return err
		}
		if err := tx.Announce(ctx, g.RequestID); err != nil {
			return err
		}
	}
	return nil
}

// auditNarrowed notes which servers a grant no longer covers, key by key.
func (s *Service) auditNarrowed(ctx context.Context, tx Tx, e ending, g Grant, ended []Cover) error {
	servers := map[string][]int64{}
	for _, c := range ended {
		servers[c.Fingerprint] = append(servers[c.Fingerprint], c.ServerID)
	}
	for _, fingerprint := range slices.Sorted(maps.Keys(servers)) {
		detail := fmt.Sprintf("%s no longer on servers %v", fingerprint, servers[fingerprint])
		if err := Record(ctx, tx, s.Now(), e.actor, "grant.narrow", "grant", g.ID, "", string(e.reason), detail); err != nil {
			return err
		}
	}
	return nil
}

func (q CoverQuery) matches(c Cover) bool {
	return (q.Fingerprint == "" || q.Fingerprint == c.Fingerprint) &&
		(len(q.Servers) == 0 || slices.Contains(q.Servers, c.ServerID))
}

// withdraw has the servers of covers that ended brought in line: the ledger no longer
// wants their keys, so each gets a result under the request. It brings in line itself
// the servers of as many covers as there is room for, and returns the room that is left;
// the others are woken.
func (s *Service) withdraw(ctx context.Context, tx Tx, request int64, g Grant, covers []Cover, room int) (int, error) {
	servers := serversOf(covers)
	before, err := tx.Placements(ctx, PlacementQuery{
		Servers: servers, SystemUser: g.SystemUser, States: []PlacementState{PlacementWanted, PlacementUnknown, PlacementPlaced, PlacementLeaving},
	})
	if err != nil {
		return room, err
	}
	results, err := s.removalResults(ctx, tx, request, g, covers, before)
	if err != nil {
		return room, err
	}
	if err := tx.InsertResults(ctx, results); err != nil {
		return room, err
	}
	first, rest, room := atOnce(covers, room)
	if err := s.bringInLine(ctx, tx, first); err != nil {
		return room, err
	}
	if err := wakeServers(ctx, tx, WorkRemove, rest); err != nil {
		return room, err
	}
	return room, tx.Announce(ctx, request)
}

func serversOf(covers []Cover) []int64 {
	var ids []int64
	for _, c := range covers {
		ids = append(ids, c.ServerID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// removalResults answers a waiting result for every cover whose key is, or may be,
// on its server; where it surely is not there is nothing to report.
func (s *Service) removalResults(ctx context.Context, tx Tx, request int64, g Grant, covers []Cover, before []Placement) ([]Result, error) {
	there := map[Cover]bool{}
	for _, p := range before {
		if p.State != PlacementWanted {
			there[Cover{ServerID: p.ServerID, Fingerprint: p.Fingerprint}] = true
		}
	}
	names, err := serverNames(ctx, tx)
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, c := range covers {
		if there[Cover{ServerID: c.ServerID, Fingerprint: c.Fingerprint}] {
			results = append(results, NewResult(s.Now(), request, PhaseRemove, c.ServerID, names[c.ServerID], g.SystemUser, c.Fingerprint))
		}
	}
	return results, nil
}

// NewResult returns a result that waits since then.
func NewResult(since time.Time, request int64, phase Phase, server int64, name, user, fingerprint string) Result {
	return Result{
		RequestID: request, Phase: phase, ServerID: server, ServerName: name,
		SystemUser: user, Fingerprint: fingerprint, State: Waiting, UpdatedAt: since,
	}
}

// serverNames answers the name of every server the ledger has met.
func serverNames(ctx context.Context, tx Tx) (map[int64]string, error) {
	servers, err := tx.AllServers(ctx)
	names := make(map[int64]string, len(servers))
	for _, server := range servers {
		names[server.ID] = server.Name
	}
	return names, err
}

// EndDue ends every grant whose time is over by the wall clock or by the steady one. Any
// replica may call it at any time.
func (s *Service) EndDue(ctx context.Context) (int, error) {
	var ended []Grant
	var steady time.Time
	err := s.Store.Update(ctx, func(tx Tx) error {
		v, err := s.clocks(ctx, tx)
		if err != nil {
			return err
		}
		due, err := tx.Grants(ctx, GrantQuery{State: Live, EndsBefore: s.Now(), SteadyUntil: v.mark.Steady, Limit: endBatch})
		if err != nil {
			return err
		}
		ended, steady = due, v.mark.Steady
		return s.endGrants(ctx, tx, ending{reason: EndExpired}, due)
	})
	if err == nil && s.Late != nil {
		for _, g := range ended {
			late := s.Now().Sub(g.EndsAt)
			if !g.SteadyEnd.IsZero() {
				late = max(late, steady.Sub(g.SteadyEnd))
			}
			s.Late(late)
		}
	}
	return len(ended), err
}

// endBatch bounds one transaction of the sweep.
const endBatch = 20

// redrawHomes has the App Home of everybody drawn anew who sees a request there: who
// asks, who receives, and the approvers.
func (s *Service) redrawHomes(ctx context.Context, tx Tx, r Request) error {
	people := []UserID{r.Asker, r.Person}
	for _, id := range s.Settings.Approvers {
		people = append(people, UserID(id))
	}
	slices.Sort(people)
	for _, id := range slices.Compact(people) {
		if id == "" {
			continue
		}
		if err := s.redrawHome(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) redrawHome(ctx context.Context, tx Tx, person UserID) error {
	return tx.Notify(ctx, HomeNotice(person, s.Now()))
}
