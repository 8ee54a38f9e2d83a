package workflow

import (
	"context"

	"sshkeybot/internal/access"
)

// enoughApprovals reports whether the approvals of those facts are as many as the team wants.
func (s *Service) enoughApprovals(ctx context.Context, tx access.Tx, r access.Request, facts string) (bool, error) {
	approvals, err := approvalsOf(ctx, tx, r, facts)
	count := 0
	for _, a := range approvals {
		if a.Verdict == access.Approve {
			count++
		}
	}
	return count >= s.Settings.needed(r.Kind), err
}

// approvalsOf lists the verdicts on a request; while it is open, only those on these
// facts, and without those of people who were offboarded since.
func approvalsOf(ctx context.Context, tx access.Tx, r access.Request, facts string) ([]access.Approval, error) {
	approvals, err := tx.Approvals(ctx, r.ID)
	if err != nil || !r.State.Open() {
		return approvals, err
	}
	var kept []access.Approval
	for _, a := range approvals {
		person, err := tx.Person(ctx, a.Approver)
		if err != nil {
			return nil, err
		}
		if !person.Offboarded() && a.Facts == facts {
			kept = append(kept, a)
		}
	}
	return kept, nil
}

// voidApprovals lists, at the moment of an approval, who has approved an open request
// before and could not any more: no approver now, no active member, or somebody whom it
// is about.
func (s *Service) voidApprovals(ctx context.Context, r access.Request, v access.Verdict) (void []access.UserID, err error) {
	if v != access.Approve {
		return nil, nil
	}
	var given []access.Approval
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		given, err = tx.Approvals(ctx, r.ID)
		return err
	})
	if err != nil || len(given) == 0 || !r.State.Open() {
		return nil, err
	}
	for _, a := range given {
		named, err := s.isListedApprover(ctx, a.Approver, s.membersNow)
		if err != nil {
			return nil, err
		}
		active, err := s.active(ctx, a.Approver, deciderMaxAge)
		if err != nil {
			return nil, err
		}
		if !active || !named || s.checkIndependent(r, a.Approver) != nil {
			void = append(void, a.Approver)
		}
	}
	return void, nil
}

func (s *Service) dropApprovals(ctx context.Context, tx access.Tx, r access.Request, of []access.UserID, why string) error {
	for _, id := range of {
		dropped, err := tx.DropApproval(ctx, r.ID, id)
		if err == nil && dropped {
			err = access.Record(ctx, tx, s.Now(), id, access.DidRequestVoid, access.NounRequest, r.ID, string(access.Pending), string(access.Pending), why)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
