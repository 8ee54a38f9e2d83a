package workflow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// removeOld has the keys removed that the account had before. Those that this ledger does not know
// are looked for, and an approver picks.
func (s *Service) removeOld(ctx context.Context, next, was access.Rotation) error {
	next.State = access.RotationRemoving
	ctx = context.WithoutCancel(ctx)
	return s.Store.Update(ctx, func(tx access.Tx) error {
		old, err := oldGrants(ctx, tx, was)
		if err != nil {
			return err
		}
		next.Removes, next.HeldUntil = was.Removes || len(old) > 0, later(s.Now(), next.NextAt).Add(holdFor)
		won, err := s.moveRotation(ctx, tx, next, was, "")
		if err != nil || !won {
			return err
		}
		if err := s.endOfAccount(ctx, tx, was.RequestID, old); err != nil || was.Found.Known || was.Created {
			return err
		}
		servers, err := tx.RequestServers(ctx, was.RequestID)
		if err != nil {
			return err
		}
		return s.Engine.InspectServers(ctx, tx, was.RequestID, servers)
	})
}

// oldGrants returns the live grants of an account, without that of its present key.
func oldGrants(ctx context.Context, tx access.Tx, r access.Rotation) (old []access.Grant, err error) {
	all, err := tx.RotationsOf(ctx, r.Space, r.AccountID)
	if err != nil {
		return nil, err
	}
	for _, other := range all {
		live, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, RequestID: other.RequestID})
		if err != nil {
			return nil, err
		}
		old = append(old, slices.DeleteFunc(live, func(g access.Grant) bool { return g.ID == r.GrantID })...)
	}
	return old, nil
}

// endOfAccount ends grants of an account. Their keys are nobody's any more, and are refused.
func (s *Service) endOfAccount(ctx context.Context, tx access.Tx, request int64, grants []access.Grant) error {
	for _, g := range grants {
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		if len(covers) == 0 {
			continue
		}
		key, err := tx.Key(ctx, covers[0].Fingerprint)
		if err != nil {
			return err
		}
		key.RemovedAt, key.Ended = s.Now(), access.KeyRevoked
		if err := tx.SaveKey(ctx, key); err != nil {
			return err
		}
		if err := s.auditKey(ctx, tx, "", access.DidKeyRemove, key.Fingerprint, string(key.Ended), "of an account"); err != nil {
			return err
		}
	}
	return s.endGrants(ctx, tx, ending{reason: access.EndRotated, request: request}, grants)
}

// endAttempt ends the grant of a rotation's present pair, if it has one.
func (s *Service) endAttempt(ctx context.Context, tx access.Tx, r access.Rotation) error {
	if r.GrantID == 0 {
		return nil
	}
	g, err := tx.Grant(ctx, r.GrantID)
	if err != nil {
		return err
	}
	return s.endOfAccount(ctx, tx, r.RequestID, []access.Grant{g})
}

// awaitRemoved goes on once no old key is left to remove or to decide about. What was removed is
// proven by a last check.
func (s *Service) awaitRemoved(ctx context.Context, was access.Rotation) error {
	var v RequestView
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		if v.Results, err = tx.Results(ctx, was.RequestID); err != nil {
			return err
		}
		v.Candidates, err = tx.Candidates(ctx, was.RequestID)
		return err
	})
	if err != nil {
		return err
	}
	next := was
	next.Problem, next.NextAt = "", s.Now().Add(s.pause(was, drainAgain))
	if !v.Settled() || v.Undecided() > 0 {
		return s.saveRotation(ctx, next, was)
	}
	picked := func(c access.Candidate) bool { return c.Decided() && !c.Spared }
	next.Removes, next.NextAt = was.Removes || slices.ContainsFunc(v.Candidates, picked), time.Time{}
	if !next.Removes || len(was.Found.MachineIDs()) == 0 {
		return s.finish(ctx, next, was)
	}
	next.State, next.Check, next.Checks = access.RotationProving, "", was.Checks+1
	return s.saveRotation(ctx, next, was)
}

// finish ends a rotation.
func (s *Service) finish(ctx context.Context, next, was access.Rotation) error {
	next.State, next.NextAt = access.RotationDone, time.Time{}
	return s.saveRotation(ctx, next, was, func(ctx context.Context, tx access.Tx) error { return tellRotation(ctx, tx, next) })
}

// tellRotation queues the message about a rotation that came to an end, or needs people.
func tellRotation(ctx context.Context, tx access.Tx, r access.Rotation) error {
	key := access.NoticeKey(fmt.Sprintf("rotation:%s:%d:%d", r.State, r.Attempt, r.Checks), r.RequestID)
	return tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeRotation, RequestID: r.RequestID, Detail: string(r.State)})
}
