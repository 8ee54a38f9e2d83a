package workflow

import (
	"context"
	"fmt"
	"time"

	"sshkeybot/internal/access"
)

// RotateAsk is an approver's wish that an account logs in with another key.
type RotateAsk struct {
	Source     string
	Asker      access.UserID
	Account    string // its whole name, or its id
	SystemUser string // as Servers: only for an account that is to be made
	Servers    string // as written
	Channel    string
}

// AskRotate stores an approver's wish that an account logs in with another key, with what was
// found of the account, for another approver to decide. Nothing is changed before that. The
// errors of access.KeyedAccounts come back as they are.
func (s *Service) AskRotate(ctx context.Context, a RotateAsk) (access.Request, error) {
	if err := s.requireApprover(ctx, a.Asker); err != nil {
		return access.Request{}, err
	}
	if s.Accounts == nil {
		return access.Request{}, access.NewForbidden("No system is configured that has keys to rotate. Whoever runs me can name one in my settings.")
	}
	r := s.newRequest(access.KindRotate, a.Source, a.Asker, "", a.Channel)
	if err := s.requireDeciders(ctx, r); err != nil {
		return access.Request{}, err
	}
	rotation, servers, err := s.findRotation(ctx, a)
	if err != nil {
		return access.Request{}, err
	}
	r.SystemUser, r.Pattern = rotation.SystemUser, a.Servers
	return s.submitWith(ctx, r, servers, func(tx access.Tx, stored access.Request) error {
		rotation.RequestID = stored.ID
		return s.insertRotation(ctx, tx, rotation, a.Asker)
	})
}

func (s *Service) insertRotation(ctx context.Context, tx access.Tx, r access.Rotation, asker access.UserID) error {
	r.State, r.Since = access.RotationAsked, s.Now()
	fresh, err := tx.InsertRotation(ctx, r)
	if err != nil {
		return err
	}
	if !fresh {
		return unfinished(ctx, tx, r)
	}
	return access.Record(ctx, tx, s.Now(), asker, access.DidRotationAsked, access.NounRotation, r.RequestID, "", string(r.State), r.AccountID)
}

// unfinished refuses a second rotation of an account, and names the first.
func unfinished(ctx context.Context, tx access.Tx, r access.Rotation) error {
	open, err := tx.OpenRotations(ctx)
	if err != nil {
		return err
	}
	for _, other := range open {
		if other.Space == r.Space && other.AccountID == r.AccountID && (r.AccountID != "" || other.AccountName == r.AccountName) {
			return access.NewConflict(fmt.Sprintf("Request %d is about the key of this account, too, and is not finished.", other.RequestID))
		}
	}
	return access.NewConflict("There is a rotation of this account that is not finished.")
}

// approveRotation has the sweep begin the rotation.
func (s *Service) approveRotation(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (access.Request, error) {
	if !s.Settings.MayUse(r.SystemUser) {
		return r, s.Settings.notUsed(r.SystemUser)
	}
	if _, err := s.Engine.MayGive(ctx, tx); err != nil {
		return r, err
	}
	if err := s.decideRotation(ctx, tx, r.ID, access.RotationPreparing, actor); err != nil {
		return r, err
	}
	return s.close(ctx, tx, r, access.Approved, actor, r.Note)
}

// decideRotation moves a rotation on that waited for its request.
func (s *Service) decideRotation(ctx context.Context, tx access.Tx, request int64, to access.RotationState, actor access.UserID) error {
	was, err := tx.Rotation(ctx, request)
	if err != nil {
		return err
	}
	next := was
	next.State = to
	_, err = s.moveRotation(ctx, tx, next, was, actor)
	return err
}

// CheckAgain has the machines of a rotation that is half way checked once more, as an approver
// wants it.
func (s *Service) CheckAgain(ctx context.Context, request int64, actor access.UserID) error {
	return s.fromHalfway(ctx, request, actor, func(r *access.Rotation) error {
		if !r.Wrote || r.AccountID == "" {
			return access.NewConflict("There is nothing to check: the account does not exist yet. It can be rotated again.")
		}
		r.State, r.Check, r.Checks = access.RotationChecking, "", r.Checks+1
		return nil
	})
}

// RotateAgain has a rotation that is half way begin anew with another pair, as an approver wants
// it. What somebody has changed of the account since is no hindrance then.
func (s *Service) RotateAgain(ctx context.Context, request int64, actor access.UserID) error {
	return s.fromHalfway(ctx, request, actor, func(r *access.Rotation) error {
		r.State, r.Fingerprint, r.GrantID, r.ModifiedAt = access.RotationPreparing, "", 0, time.Time{}
		return nil
	})
}

func (s *Service) fromHalfway(ctx context.Context, request int64, actor access.UserID, change func(*access.Rotation) error) error {
	if err := s.requireApprover(ctx, actor); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		was, err := tx.Rotation(ctx, request)
		if err != nil {
			return err
		}
		if was.State != access.RotationHalfway {
			return access.NewConflict("This is not half way any more. Please look at the request again.")
		}
		next := was
		next.Problem, next.NextAt = "", s.Now()
		if err := change(&next); err != nil {
			return err
		}
		_, err = s.moveRotation(ctx, tx, next, was, actor)
		return err
	})
}
