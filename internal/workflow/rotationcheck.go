package workflow

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"sshkeybot/internal/access"
)

// checkMachines has the machines of a rotation checked, and goes on once all are proven.
func (s *Service) checkMachines(ctx context.Context, was access.Rotation) error {
	if was.Check == "" {
		return s.startCheck(ctx, was)
	}
	check, err := s.Accounts.Check(ctx, was.Check, was.Found.MachineIDs(), was.ModifiedAt)
	switch {
	case access.CodeOf(err) == access.NotFound && err != nil:
		return s.halfway(ctx, was, "The check of the machines is gone from "+s.Accounts.Title()+".", nil)
	case err != nil:
		return err
	case !check.Over && s.Now().Sub(was.Since) > checkWithin:
		return s.halfway(ctx, was, "The check of the machines does not end.", nil)
	case !check.Over:
		next := was
		next.Problem, next.NextAt = "", s.Now().Add(s.pause(was, checkAgain))
		return s.saveRotation(ctx, next, was)
	}
	return s.judge(ctx, was, check)
}

// startCheck starts a check, unless an earlier try of ours has: the title tells.
func (s *Service) startCheck(ctx context.Context, was access.Rotation) error {
	title := fmt.Sprintf("sshkeybot: request %d, check %d, key %s", was.RequestID, was.Checks, was.Fingerprint)
	id, err := s.Accounts.FindCheck(ctx, title)
	if access.CodeOf(err) == access.NotFound && err != nil {
		id, err = s.Accounts.StartCheck(ctx, title, was.Found.MachineIDs())
	}
	if code := access.CodeOf(err); err != nil && (code == access.Invalid || code == access.Forbidden) {
		return s.halfway(ctx, was, access.MessageOf(err), nil)
	}
	if err != nil {
		return err
	}
	next := was
	next.Check, next.Problem, next.NextAt = id, "", s.Now().Add(lookAgain)
	return s.saveRotation(ctx, next, was)
}

// judge goes on after a check that is over.
func (s *Service) judge(ctx context.Context, was access.Rotation, check access.AccountCheck) error {
	why, err := s.notOurs(ctx, was)
	if err != nil {
		return err
	}
	next := was
	for i, m := range next.Found.Machines {
		next.Found.Machines[i] = asChecked(m, check.Machines)
	}
	if why != "" || !check.Passed {
		return s.halfway(ctx, next, cmp.Or(why, check.Problem), check.Unproven)
	}
	next.Unproven, next.Problem, next.NextAt = nil, "", time.Time{}
	if was.State == access.RotationProving {
		return s.finish(ctx, next, was)
	}
	next.State = access.RotationDraining
	return s.saveRotation(ctx, next, was)
}

// notOurs says why an account may not have the key any more that was written last: then what its
// machines say proves nothing. It is empty if the account is as it was written.
func (s *Service) notOurs(ctx context.Context, r access.Rotation) (string, error) {
	account, err := s.readAccount(ctx, r)
	switch {
	case access.CodeOf(err) == access.NotFound:
		return "The account is gone from " + s.Accounts.Title() + ".", nil
	case err != nil:
		return "", err
	case account.Mark.Fingerprint != r.Fingerprint, !account.ModifiedAt.Equal(r.ModifiedAt):
		return "Somebody has changed the account since I wrote to it, so I do not know which key it has.", nil
	}
	return "", nil
}

// asChecked returns a machine as it was found by a check.
func asChecked(m access.AccountMachine, checked []access.AccountMachine) access.AccountMachine {
	for _, now := range checked {
		if now.ID == m.ID {
			m.Healthy, m.Health = now.Healthy, now.Health
		}
	}
	return m
}

// halfway leaves both halves where they are, for people to decide.
func (s *Service) halfway(ctx context.Context, was access.Rotation, why string, unproven []string) error {
	s.halves.drop(was)
	next := was
	next.State, next.Problem, next.Unproven, next.NextAt = access.RotationHalfway, why, unproven, time.Time{}
	return s.saveRotation(ctx, next, was, func(ctx context.Context, tx access.Tx) error { return tellRotation(ctx, tx, next) })
}

// drain waits for what the system is doing on its machines, which may still hold the old key, but
// not for ever.
func (s *Service) drain(ctx context.Context, was access.Rotation) error {
	busy, err := s.Accounts.ActiveTasks(ctx)
	late := s.Now().Sub(was.Since) > drainWithin
	if err != nil && !late {
		return err
	}
	next := was
	next.Busy, next.Problem, next.NextAt = busy, "", s.Now().Add(s.pause(was, drainAgain))
	if len(busy) > 0 && !late {
		return s.saveRotation(ctx, next, was)
	}
	why, err := s.notOurs(ctx, was)
	switch {
	case err != nil:
		return err
	case why != "":
		return s.halfway(ctx, was, why, nil)
	}
	return s.removeOld(ctx, next, was)
}
