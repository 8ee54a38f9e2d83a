package access

import "context"

// enough tells whether the approvals that count are as many as the team wants.
func (s *Service) enough(ctx context.Context, tx Tx, r Request) (bool, error) {
	approvals, err := approvalsOf(ctx, tx, r)
	count := 0
	for _, a := range approvals {
		if a.Verdict == Approve {
			count++
		}
	}
	return count >= s.Settings.Approvals, err
}

// approvalsOf lists the verdicts on a request; while it is open, without those of
// people who were offboarded since.
func approvalsOf(ctx context.Context, tx Tx, r Request) ([]Approval, error) {
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
		if !person.Offboarded() {
			kept = append(kept, a)
		}
	}
	return kept, nil
}
