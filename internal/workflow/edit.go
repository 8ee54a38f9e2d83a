package workflow

import (
	"context"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
)

// Edit narrows a request before it is decided; nil fields stay.
type Edit struct {
	RequestID int64
	Shown     string // as in Decision
	Actor     access.UserID
	Duration  *time.Duration
	Servers   *string
	At        time.Time // as in Decision
}

// Edit narrows a request that is still pending: a shorter duration, or some of its
// servers. What was asked is kept beside it. Approvals given before are void, like after
// every change.
func (s *Service) Edit(ctx context.Context, e Edit) (access.Request, error) {
	r, err := s.request(ctx, e.RequestID)
	if err != nil {
		return r, err
	}
	if err := s.requireDecider(ctx, r, e.Actor); err != nil {
		return r, err
	}
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		if r, err = tx.Request(ctx, e.RequestID); err != nil {
			return err
		}
		if err := r.CheckPending(s.orNow(e.At)); err != nil {
			return err
		}
		if err := s.checkShown(ctx, tx, r, e.Shown); err != nil {
			return err
		}
		r, err = s.edit(ctx, tx, r, e)
		return err
	})
	return r, s.refreshIfOutdated(ctx, e.RequestID, err)
}

func (s *Service) edit(ctx context.Context, tx access.Tx, before access.Request, e Edit) (access.Request, error) {
	r, servers, err := s.narrowed(ctx, tx, before, e)
	if err != nil {
		return r, err
	}
	if r == before {
		return r, access.NewInvalid("That changes nothing.")
	}
	if servers != nil {
		if err := tx.SetRequestServers(ctx, r.ID, servers); err != nil {
			return r, err
		}
	}
	if won, err := tx.MoveRequest(ctx, r, access.Pending); err != nil || !won {
		return r, err
	}
	detail := before.Duration.String() + " on «" + before.Pattern + "» to " + r.Duration.String() + " on «" + r.Pattern + "»"
	if err := access.Record(ctx, tx, s.Now(), e.Actor, access.DidRequestEdit, access.NounRequest, r.ID, string(access.Pending), string(access.Pending), detail); err != nil {
		return r, err
	}
	if err := s.refreshFacts(ctx, tx, r); err != nil {
		return r, err
	}
	if err := s.personsChanged(ctx, tx, r); err != nil { // the words may have changed alone
		return r, err
	}
	return r, tx.Announce(ctx, r.ID)
}

// narrowed returns what an edit makes of a request, and its servers where they change.
func (s *Service) narrowed(ctx context.Context, tx access.Tx, r access.Request, e Edit) (access.Request, []access.ServerRef, error) {
	if e.Duration != nil && *e.Duration != r.Duration {
		if *e.Duration < s.Settings.MinDuration || (r.Duration != 0 && *e.Duration > r.Duration) {
			return r, nil, access.NewInvalid("An approver can only shorten the duration, down to " + duration.Format(s.Settings.MinDuration) + ".")
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

// fewer returns those servers of a request that a pattern names.
func (s *Service) fewer(ctx context.Context, tx access.Tx, r access.Request, pattern string) ([]access.ServerRef, error) {
	asked, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	known, err := tx.Servers(ctx)
	if err != nil {
		return nil, err
	}
	before := access.ServerSet(asked)
	among := slices.DeleteFunc(known, func(server access.Server) bool { return !before[server.ID] })
	chosen, err := access.MatchServers(among, pattern)
	if err != nil {
		return nil, err
	}
	return access.Refs(chosen), nil
}
