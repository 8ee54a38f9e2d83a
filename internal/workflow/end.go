package workflow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// ending says who ends access and why.
type ending struct {
	actor   access.UserID
	reason  access.EndReason
	request int64 // under which request the removals are reported; 0 is each grant's own
}

// under returns the request under which the removals of a grant are reported.
func (e ending) under(g access.Grant) int64 {
	if e.request != 0 {
		return e.request
	}
	return g.RequestID
}

// endGrants ends live grants, and starts the removal of what no other grant covers: all
// of them end first, so that none is taken for a reason to keep what it covers.
func (s *Service) endGrants(ctx context.Context, tx access.Tx, e ending, grants []access.Grant) error {
	var ended []access.Grant
	for _, g := range grants {
		won, err := s.closeGrant(ctx, tx, e, g)
		if err != nil {
			return err
		}
		if !won {
			continue
		}
		ended = append(ended, g)
		if err := s.owe(ctx, tx, e.under(g), g, access.CoverQuery{}); err != nil {
			return err
		}
	}
	room := reconcile.MovesAtOnce
	for _, g := range ended {
		var err error
		if room, err = s.alignEnded(ctx, tx, g, room); err != nil {
			return err
		}
	}
	return nil
}

// alignEnded has the servers of a grant that has ended brought in line, as align does.
func (s *Service) alignEnded(ctx context.Context, tx access.Tx, g access.Grant, room int) (left int, err error) {
	size, err := tx.GrantSize(ctx, g.ID)
	if err != nil {
		return room, err
	}
	if size.Keys > room {
		return room, s.Engine.MarkEnded(ctx, tx, g.ID)
	}
	covers, err := tx.Covers(ctx, g.ID)
	if err != nil {
		return room, err
	}
	return s.align(ctx, tx, access.LiveCovers(covers), room, true)
}

// owe gives each key that a grant placed and that is to go a result under a request.
func (s *Service) owe(ctx context.Context, tx access.Tx, request int64, g access.Grant, q access.CoverQuery) error {
	if err := tx.OweRemovals(ctx, request, g.ID, q, s.Now()); err != nil {
		return err
	}
	return tx.Announce(ctx, request)
}

func (s *Service) closeGrant(ctx context.Context, tx access.Tx, e ending, g access.Grant) (bool, error) {
	g.State, g.EndedAt, g.EndReason, g.EndedBy = access.Ended, s.Now(), e.reason, e.actor
	won, err := tx.MoveGrant(ctx, g, access.Live)
	if err != nil || !won {
		return won, err
	}
	if err := access.Record(ctx, tx, s.Now(), e.actor, access.DidGrantEnd, access.NounGrant, g.ID, string(access.Live), string(access.Ended), string(e.reason), access.AboutRequest(e.request)); err != nil {
		return false, err
	}
	if err := s.closeExtensions(ctx, tx, g); err != nil {
		return false, err
	}
	if err := tx.PersonChanged(ctx, s.Now(), g.Person); err != nil {
		return false, err
	}
	if err := s.tellEnd(ctx, tx, e, g); err != nil {
		return false, err
	}
	return true, tx.Announce(ctx, g.RequestID)
}

// tellEnd notifies the person of a grant that it has ended, or a part of it: once of what somebody
// did to several grants; not whoever did it or leaves, nor where another notice says it.
func (s *Service) tellEnd(ctx context.Context, tx access.Tx, e ending, g access.Grant) error {
	if g.OfAccount() || g.Person == e.actor {
		return nil
	}
	switch e.reason {
	case access.EndExpired:
		return tx.Notify(ctx, access.Notice{Key: access.NoticeKey("ended", g.ID), Kind: access.NoticeEnded, To: g.Person, RequestID: g.RequestID, GrantID: g.ID})
	case access.EndRevoked, access.EndPurged:
		key := access.NoticeKey("revoked:"+string(g.Person), e.request)
		return tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeRevoked, To: g.Person, RequestID: e.request, Detail: string(e.actor)})
	case access.EndGivenBack, access.EndOffboarded, access.EndRotated, access.EndKeyLost:
	}
	return nil
}

// closeExtensions closes the requests for more time of a grant that has ended.
func (s *Service) closeExtensions(ctx context.Context, tx access.Tx, g access.Grant) error {
	open, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}, Kinds: []access.RequestKind{access.KindExtend}, Person: g.Person})
	if err != nil {
		return err
	}
	for _, r := range open {
		if r.GrantID != g.ID || !s.Now().Before(r.ExpiresAt) { // it expires with the grant
			continue
		}
		if _, err := s.close(ctx, tx, r, access.Cancelled, "", "the access that it would prolong has ended."); err != nil {
			return err
		}
	}
	return nil
}

// endCovers ends parts of live grants, and the grants of which nothing is left.
func (s *Service) endCovers(ctx context.Context, tx access.Tx, e ending, q access.CoverQuery) error {
	grants, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, Person: q.Person})
	if err != nil {
		return err
	}
	grants = slices.DeleteFunc(grants, func(g access.Grant) bool {
		return q.SystemUser != "" && g.SystemUser != q.SystemUser || q.OfPersons && g.OfAccount()
	})
	ended := map[int64][]access.Cover{}
	for _, g := range grants {
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		ended[g.ID] = slices.DeleteFunc(access.LiveCovers(covers), func(c access.Cover) bool { return !matches(q, c) })
		if len(ended[g.ID]) == 0 {
			continue
		}
		if err := s.owe(ctx, tx, e.under(g), g, q); err != nil {
			return err
		}
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
	room := reconcile.MovesAtOnce
	for _, g := range grants {
		if len(ended[g.ID]) == 0 {
			continue
		}
		if err := s.auditNarrowed(ctx, tx, e, g, ended[g.ID]); err != nil {
			return err
		}
		if err := s.tellEnd(ctx, tx, e, g); err != nil {
			return err
		}
		if room, err = s.align(ctx, tx, ended[g.ID], room, true); err != nil {
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
func (s *Service) auditNarrowed(ctx context.Context, tx access.Tx, e ending, g access.Grant, ended []access.Cover) error {
	servers := map[string][]int64{}
	for _, c := range ended {
		servers[c.Fingerprint] = append(servers[c.Fingerprint], c.ServerID)
	}
	for _, fingerprint := range slices.Sorted(maps.Keys(servers)) {
		detail := fmt.Sprintf("%s no longer on servers %v", fingerprint, servers[fingerprint])
		if err := access.Record(ctx, tx, s.Now(), e.actor, access.DidGrantNarrow, access.NounGrant, g.ID, "", string(e.reason), detail, access.AboutRequest(e.request)); err != nil {
			return err
		}
	}
	return nil
}

func matches(q access.CoverQuery, c access.Cover) bool {
	return (q.Fingerprint == "" || q.Fingerprint == c.Fingerprint) &&
		(len(q.Servers) == 0 || slices.Contains(q.Servers, c.ServerID))
}

// align has the servers of covers that began or ended brought in line: at once if there is room,
// else by Engine.Align. It returns the room that is left.
func (s *Service) align(ctx context.Context, tx access.Tx, covers []access.Cover, room int, ends bool) (int, error) {
	rest := access.ServersOf(covers)
	if len(covers) <= room {
		var err error
		if rest, room, err = s.Engine.AlignSome(ctx, tx, rest, room); err != nil {
			return room, err
		}
	}
	return room, s.Engine.MarkOutOfLine(ctx, tx, rest, ends)
}

// EndDue ends grants whose time is over by the wall clock or by the steady one, as many as one
// transaction should, and returns how many. Any replica may call it at any time.
func (s *Service) EndDue(ctx context.Context) (int, error) {
	var ended []access.Grant
	var steady time.Time
	err := s.Store.Update(ctx, func(tx access.Tx) error {
		v, err := s.Engine.Clocks(ctx, tx)
		if err != nil {
			return err
		}
		steady = v.Mark.Steady
		due, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, EndsBefore: s.Now(), SteadyUntil: steady, Limit: endBatch})
		if err != nil {
			return err
		}
		if ended, err = firstToEnd(ctx, tx, due); err != nil {
			return err
		}
		return s.endGrants(ctx, tx, ending{reason: access.EndExpired}, ended)
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

const (
	// endBatch bounds one transaction of the sweep.
	endBatch = 20
	// coversToEnd bounds one that ends grants besides: each of their covers gets a result.
	coversToEnd = 1000
)

// firstToEnd returns as many of the grants as have no more than coversToEnd, at least one.
func firstToEnd(ctx context.Context, tx access.Tx, due []access.Grant) ([]access.Grant, error) {
	covers := 0
	for i, g := range due {
		size, err := tx.GrantSize(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		if covers += size.Keys; covers > coversToEnd && i > 0 {
			return due[:i], nil
		}
	}
	return due, nil
}

// personsChanged says that something changed for everybody who sees a request among their
// own: who asks, who receives, and the approvers.
func (s *Service) personsChanged(ctx context.Context, tx access.Tx, r access.Request) error {
	ids := []access.UserID{r.Asker, r.Person}
	for _, id := range s.Settings.Approvers {
		ids = append(ids, access.UserID(id))
	}
	return tx.PersonChanged(ctx, s.Now(), ids...)
}
