package workflow

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// write stores the private half in the account. That it may be there is in the ledger before.
func (s *Service) write(ctx context.Context, was access.Rotation, half access.PrivateHalf) error {
	next := was
	next.State, next.Wrote, next.Problem, next.NextAt = access.RotationWriting, true, "", s.Now().Add(lookAgain)
	won := false
	err := s.Store.Update(ctx, func(tx access.Tx) (err error) {
		next.HeldUntil = next.NextAt.Add(holdFor)
		won, err = s.moveRotation(ctx, tx, next, was, "")
		return err
	})
	if err != nil || !won {
		return err
	}
	account, err := s.store(ctx, next, half)
	switch code := access.CodeOf(err); {
	case err == nil:
		return s.written(ctx, next, account)
	case code == access.UnknownOutcome, code == access.Internal:
		return s.tryLater(ctx, next, err) // then the account's mark tells
	}
	return s.notWritten(ctx, next, was.Wrote, err)
}

func (s *Service) store(ctx context.Context, r access.Rotation, half access.PrivateHalf) (access.KeyedAccount, error) {
	if r.AccountID == "" {
		return s.Accounts.Create(ctx, r.AccountName, r.SystemUser, half)
	}
	was := access.KeyedAccount{Space: r.Space, ID: r.AccountID, ModifiedAt: r.ModifiedAt}
	return s.Accounts.Replace(ctx, was, half)
}

// notWritten goes on after a write that surely had no effect; before says whether an earlier one
// may have had.
func (s *Service) notWritten(ctx context.Context, was access.Rotation, before bool, cause error) error {
	unwritten := was
	unwritten.Wrote = before
	switch access.CodeOf(cause) {
	case access.Unavailable, access.RateLimited, access.Unauthorized:
		unwritten.State, unwritten.Problem = access.RotationConfirming, access.MessageOf(cause)
		unwritten.NextAt = s.Now().Add(min(max(trialAgain, access.RetryAfter(cause)), longTrial))
		return s.saveRotation(ctx, unwritten, was)
	}
	return s.giveUp(ctx, unwritten, access.MessageOf(cause))
}

// settleWrite finds out whether a write had an effect whose answer was lost, or whose process has
// died: the mark in the account tells.
func (s *Service) settleWrite(ctx context.Context, was access.Rotation) error {
	account, err := s.readAccount(ctx, was)
	missing := access.CodeOf(err) == access.NotFound
	switch {
	case err != nil && !missing:
		return err
	case missing && was.AccountID != "":
		return s.halfway(ctx, was, "The account is gone from "+s.Accounts.Title()+".", was.Unproven)
	case !missing && account.Mark.Fingerprint == was.Fingerprint:
		return s.written(ctx, was, account)
	case !missing && (was.AccountID == "" || !account.ModifiedAt.Equal(was.ModifiedAt)):
		return s.halfway(ctx, was, "Somebody has changed the account while I wrote to it, so I do not know which key it has.", was.Unproven)
	}
	next := was
	next.State, next.NextAt = access.RotationConfirming, s.Now()
	if _, held := s.halves.of(was); !held { // its public half stays: the write may still land
		next.State = access.RotationPreparing
	}
	return s.saveRotation(ctx, next, was)
}

// written goes on once the private half is known to be in the account. It is wiped here.
func (s *Service) written(ctx context.Context, was access.Rotation, account access.KeyedAccount) error {
	s.halves.drop(was)
	next := was
	next.State, next.Wrote, next.Problem, next.NextAt = access.RotationChecking, true, "", time.Time{}
	next.Space, next.AccountID, next.ModifiedAt = account.Space, account.ID, account.ModifiedAt
	next.Check, next.Checks = "", was.Checks+1
	if len(next.Found.MachineIDs()) == 0 { // it was made just now, and nothing uses it
		return s.removeOld(ctx, next, was)
	}
	return s.saveRotation(ctx, next, was)
}
