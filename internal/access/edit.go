package access

import (
	"context"
	"slices"
	"strings"
)

// Edit narrows a request that is still pending: a shorter duration, or some of its
// servers. What was asked is kept beside it. Approvals given before still count: who
// approved more has approved less.
func (s *Service) Edit(ctx context.Context, e Edit) (Request, error) {
	r, err := s.request(ctx, e.RequestID)
	if err != nil {
		return r, err
	}
	if err := s.mayDecide(ctx, r, e.Actor); err != nil {
		return r, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		if r, err = tx.Request(ctx, e.RequestID); err != nil {
			return err
		}
		if err := s.undecided(r, e.At); err != nil {
			return err
		}
		r, err = s.edit(ctx, tx, r, e)
		return err
	})
	return r, err
}

func (s *Service) edit(ctx context.Context, tx Tx, r Request, e Edit) (Request, error) {
	before := r
	if e.Duration != nil {
		if *e.Duration < s.Settings.MinDuration || (r.Duration != 0 && *e.Duration > r.Duration) {
			return r, invalid("An approver can only shorten the duration, down to " + days(s.Settings.MinDuration) + ".")
		}
		r.Duration = *e.Duration
	}
	if e.Servers != nil && *e.Servers != r.Pattern && strings.TrimSpace(*e.Servers) != "" { // empty would read as every server
		if err := s.narrow(ctx, tx, r, *e.Servers); err != nil {
			return r, err
		}
		r.Pattern = *e.Servers
	}
	if r == before {
		return r, invalid("That changes nothing.")
	}
	if r.EditedBy == "" {
		r.AskedDuration, r.AskedPattern = before.Duration, before.Pattern
	}
	r.EditedBy = e.Actor
	if won, err := tx.MoveRequest(ctx, r, Pending); err != nil || !won {
		return r, err
	}
	detail := before.Duration.String() + " on «" + before.Pattern + "» to " + r.Duration.String() + " on «" + r.Pattern + "»"
	if err := s.audit(ctx, tx, e.Actor, "request.edit", "request", r.ID, string(Pending), string(Pending), detail); err != nil {
		return r, err
	}
	if err := s.redrawHomes(ctx, tx, r); err != nil {
		return r, err
	}
	return r, tx.Announce(ctx, r.ID)
}

// narrow keeps those servers of a request that a pattern names.
func (s *Service) narrow(ctx context.Context, tx Tx, r Request, pattern string) error {
	asked, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return err
	}
	known, err := tx.Servers(ctx)
	if err != nil {
		return err
	}
	among := slices.DeleteFunc(known, func(server Server) bool {
		return !slices.ContainsFunc(asked, func(ref ServerRef) bool { return ref.ID == server.ID })
	})
	chosen, err := MatchServers(among, pattern)
	if err != nil {
		return err
	}
	refs := make([]ServerRef, len(chosen))
	for i, server := range chosen {
		refs[i] = ServerRef{ID: server.ID, Name: server.Name}
	}
	return tx.SetRequestServers(ctx, r.ID, refs)
}
