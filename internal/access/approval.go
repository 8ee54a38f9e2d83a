package access

import "context"

// enough reports whether the approvals of those facts are as many as the team wants.
func (s *Service) enough(ctx context.Context, tx Tx, r Request, facts string) (bool, error) {
	approvals, err := approvalsOf(ctx, tx, r, facts)
	count := 0
	for _, a := range approvals {
		if a.Verdict == Approve {
			count++
		}
	}
	return count >= s.Settings.Approvals, err
}

// approvalsOf lists the verdicts on a request; while it is open, only those on these
// facts, and without those of people who were offboarded since.
func approvalsOf(ctx context.Context, tx Tx, r Request, facts string) ([]Approval, error) {
	approvals, err := tx.Approvals(ctx, r.ID)
	if err != nil || !r.State.Open() {
		return approvals, err
	}
	var kept []Approval
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
func (s *Service) voidApprovals(ctx context.Context, r Request, v Verdict) (void []UserID, err error) {
	if v != Approve {
		return nil, nil
	}
	var given []Approval
	err = s.Store.Read(ctx, func(tx Tx) error {
		given, err = tx.Approvals(ctx, r.ID)
		return err
	})
	if err != nil || len(given) == 0 || !r.State.Open() {
		return nil, err
	}
	for _, a := range given {
		named, err := s.isNamed(ctx, a.Approver, s.membersNow)
		if err != nil {
			return nil, err
		}
		active, err := s.active(ctx, a.Approver, lookedFresh)
		if err != nil {
			return nil, err
		}
		if !active || !named || s.independent(r, a.Approver) != nil {
			void = append(void, a.Approver)
		}
	}
	return void, nil
}

func (s *Service) dropApprovals(ctx context.Context, tx Tx, r Request, of []UserID, why string) error {
	for _, id := range of {
		dropped, err := tx.DropApproval(ctx, r.ID, id)
		if err == nil && dropped {
			err = Record(ctx, tx, s.Now(), id, "request.void", "request", r.ID, string(Pending), string(Pending), why)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
