package access

import (
	"context"
	"slices"
	"strings"

	"sshkeybot/internal/duration"
)

// Edit narrows a request that is still pending: a shorter duration, or some of its
// servers. What was asked is kept beside it. Approvals given before are void, like after
// every change.
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
		if err := r.Undecided(s.pressed(e.At)); err != nil {
			return err
		}
		if err := s.asShown(ctx, tx, r, e.Shown); err != nil {
			return err
		}
		r, err = s.edit(ctx, tx, r, e)
		return err
	})
	return r, s.outdated(ctx, e.RequestID, err)
}

func (s *Service) edit(ctx context.Context, tx Tx, before Request, e Edit) (Request, error) {
	r, servers, err := s.narrowed(ctx, tx, before, e)
	if err != nil {
		return r, err
	}
	if r == before {
		return r, invalid("That changes nothing.")
	}
	if servers != nil {
		if err := tx.SetRequestServers(ctx, r.ID, servers); err != nil {
			return r, err
		}
	}
	if won, err := tx.MoveRequest(ctx, r, Pending); err != nil || !won {
		return r, err
	}
	detail := before.Duration.String() + " on «" + before.Pattern + "» to " + r.Duration.String() + " on «" + r.Pattern + "»"
	if err := Record(ctx, tx, s.Now(), e.Actor, "request.edit", "request", r.ID, string(Pending), string(Pending), detail); err != nil {
		return r, err
	}
	if err := s.noteFacts(ctx, tx, r); err != nil {
		return r, err
	}
	if err := s.redrawHomes(ctx, tx, r); err != nil { // the words may have changed alone
		return r, err
	}
	return r, tx.Announce(ctx, r.ID)
}

// narrowed answers what an edit makes of a request, and its servers where they change.
func (s *Service) narrowed(ctx context.Context, tx Tx, r Request, e Edit) (Request, []ServerRef, error) {
	if e.Duration != nil && *e.Duration != r.Duration {
		if *e.Duration < s.Settings.MinDuration || (r.Duration != 0 && *e.Duration > r.Duration) {
			return r, nil, invalid("An approver can only shorten the duration, down to " + duration.Format(s.Settings.MinDuration) + ".")
		}
		if r.ShortenedBy == "" {
			r.AskedDuration = r.Duration
		}
		r.Duration, r.ShortenedBy = *e.Duration, e.Actor
	}
	if e.Servers == nil || *e.Servers == r.Pattern || strings.TrimSpace(*e.Servers) == "" { // empty would read as every server
		return r, nil, nil
	}
	servers, err := s.fewer(ctx, tx, r, *e.Servers)
	if err != nil {
		return r, nil, err
	}
	if r.NarrowedBy == "" {
		r.AskedPattern = r.Pattern
	}
	r.Pattern, r.NarrowedBy = *e.Servers, e.Actor
	return r, servers, nil
}

// fewer answers those servers of a request that a pattern names.
func (s *Service) fewer(ctx context.Context, tx Tx, r Request, pattern string) ([]ServerRef, error) {
	asked, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	known, err := tx.Servers(ctx)
	if err != nil {
		return nil, err
	}
	among := slices.DeleteFunc(known, func(server Server) bool { return !contains(asked, server.ID) })
	chosen, err := MatchServers(among, pattern)
	if err != nil {
		return nil, err
	}
	return refsOf(chosen), nil
}
