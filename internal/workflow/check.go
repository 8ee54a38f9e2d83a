package workflow

import (
	"context"

	"sshkeybot/internal/access"
)

// The checks below tell in advance what a wish would be refused for, one field of a form
// each, while it can still be mended there. They write nothing, and the use cases check
// everything again.

// CheckReceiver refuses somebody who could not be given access.
func (s *Service) CheckReceiver(ctx context.Context, id access.UserID) error {
	_, err := s.requireMember(ctx, id, actorMaxAge)
	return err
}

// CheckServers refuses a pattern that names none of the servers that the ledger knows, or that
// access cannot be asked for with; while it knows none, everything may.
func (s *Service) CheckServers(ctx context.Context, pattern string) error {
	known, err := s.Engine.KnownServers(ctx)
	if err == nil {
		err = refuseEvery(known.Listed(), pattern)
	}
	if err == nil && len(known.All) > 0 {
		_, err = access.MatchServers(known.All, pattern)
	}
	return err
}

// CheckKey refuses a key that a person could not register, not even with a proof that it is theirs.
func (s *Service) CheckKey(ctx context.Context, actor access.UserID, fingerprint string) error {
	return s.Store.Read(ctx, func(tx access.Tx) error {
		_, err := s.admit(ctx, tx, actor, fingerprint)
		return err
	})
}

// CheckShown reports, as an error, that a request asks for something else than was shown.
func (s *Service) CheckShown(ctx context.Context, requestID int64, shown string) error {
	return s.Store.Read(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		return s.checkShown(ctx, tx, r, shown)
	})
}

// CheckEdit refuses what a request could not be narrowed to.
func (s *Service) CheckEdit(ctx context.Context, e Edit) error {
	return s.Store.Read(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, e.RequestID)
		if err == nil {
			_, _, err = s.narrowed(ctx, tx, r, e)
		}
		return err
	})
}

// CheckExtend refuses to have a grant last so much longer that it could not.
func (s *Service) CheckExtend(ctx context.Context, a ExtendAsk) error {
	g, err := s.extendable(ctx, a)
	if err == nil {
		err = s.checkExtension(g, a.Duration)
	}
	return err
}
