package access

import (
	"context"
	"time"
)

// updateResults brings the open results of a key on a server in line with its
// placements, and has the requests concerned drawn anew.
func (s *Service) updateResults(ctx context.Context, tx Tx, server int64, user, fingerprint string) error {
	open, err := tx.OpenResults(ctx, server, user, fingerprint)
	if err != nil || len(open) == 0 {
		return err
	}
	placements, err := placementsOf(ctx, tx, server, user, fingerprint)
	if err != nil {
		return err
	}
	for _, r := range open {
		state, problem, detail := r.State, r.Problem, r.Detail
		if r.Phase == PhaseAdd {
			start, live, err := s.grantOf(ctx, tx, r)
			if err != nil {
				return err
			}
			r.State, r.Problem, r.Detail = additionOutcome(placements, start, live)
		} else {
			covered, _, err := tx.Covered(ctx, Placement{ServerID: server, SystemUser: user, Fingerprint: fingerprint}, s.Now())
			if err != nil {
				return err
			}
			r.State, r.Problem, r.Detail = removalOutcome(placements, covered)
		}
		if r.State == state && r.Problem == problem && r.Detail == detail {
			continue
		}
		r.UpdatedAt = s.Now()
		if err := tx.SaveResult(ctx, r); err != nil {
			return err
		}
		if err := tx.Announce(ctx, r.RequestID); err != nil {
			return err
		}
	}
	return nil
}

// updateServer updates all results that wait on a server.
func (s *Service) updateServer(ctx context.Context, tx Tx, server int64) error {
	waiting, err := tx.WaitingKeys(ctx, server)
	if err != nil {
		return err
	}
	for _, key := range waiting {
		if err := s.updateResults(ctx, tx, server, key.SystemUser, key.Fingerprint); err != nil {
			return err
		}
	}
	return nil
}

// placementsOf lists what counts of a key on a server: what is there or on its way,
// and else what was given up with a server that left the account.
func placementsOf(ctx context.Context, tx Tx, server int64, user, fingerprint string) ([]Placement, error) {
	q := PlacementQuery{
		Server: server, SystemUser: user, Fingerprint: fingerprint,
		States: []PlacementState{PlacementWanted, PlacementUnknown, PlacementPlaced, PlacementLeaving},
	}
	there, err := tx.Placements(ctx, q)
	if err != nil || len(there) > 0 {
		return there, err
	}
	q.States, q.Problem = []PlacementState{PlacementGone}, ProblemServerLeft
	return tx.Placements(ctx, q)
}

// cameBack has a key that was held to be gone removed again, and unsays that it was.
func (s *Service) cameBack(ctx context.Context, tx Tx, p Placement) error {
	if err := s.reopen(ctx, tx, p); err != nil {
		return err
	}
	return tx.Wake(ctx, workOn(p))
}

// reopen opens the removals again that were reported as done since a placement left.
func (s *Service) reopen(ctx context.Context, tx Tx, p Placement) error {
	if p.LeftAt.IsZero() {
		return nil // nobody said that it was removed
	}
	reopened, err := tx.ReopenResults(ctx, p.ServerID, p.SystemUser, p.Fingerprint, p.LeftAt)
	if err != nil {
		return err
	}
	if err := s.unsay(ctx, tx, reopened); err != nil {
		return err
	}
	return s.showReopened(ctx, tx, p, reopened)
}

// unsay tells, once an hour for each request, that what was said of some servers is not so
// any more. Its message is drawn anew.
func (s *Service) unsay(ctx context.Context, tx Tx, reopened []Result) error {
	for _, r := range reopened {
		if err := tx.Announce(ctx, r.RequestID); err != nil {
			return err
		}
		key := noticeKey("unsaid:"+s.Now().UTC().Format("2006-01-02T15"), r.RequestID)
		if err := tx.Notify(ctx, Notice{Key: key, Kind: NoticeUnsaid, RequestID: r.RequestID, Detail: r.ServerName}); err != nil {
			return err
		}
	}
	return nil
}

// showReopened has the requests of results that wait again drawn anew.
func (s *Service) showReopened(ctx context.Context, tx Tx, p Placement, reopened []Result) error {
	for _, r := range reopened {
		if err := tx.Announce(ctx, r.RequestID); err != nil {
			return err
		}
	}
	return s.updateResults(ctx, tx, p.ServerID, p.SystemUser, p.Fingerprint)
}

// grantOf answers when the grant behind an addition started, and whether it still
// wants that key on that server.
func (s *Service) grantOf(ctx context.Context, tx Tx, r Result) (start time.Time, wanted bool, err error) {
	grants, err := tx.Grants(ctx, GrantQuery{RequestID: r.RequestID})
	if err != nil || len(grants) == 0 {
		return time.Time{}, false, err
	}
	g := grants[0]
	if !g.LiveAt(s.Now()) {
		return g.StartsAt, false, nil
	}
	covered, _, err := tx.Covered(ctx, Placement{Person: g.Person, ServerID: r.ServerID, SystemUser: r.SystemUser, Fingerprint: r.Fingerprint}, s.Now())
	return g.StartsAt, covered, err
}

// additionOutcome says what placing a key came to, from what the ledger holds of
// that key on that server.
func additionOutcome(placements []Placement, start time.Time, wanted bool) (ResultState, Problem, string) {
	if !wanted {
		return Dropped, NoProblem, ""
	}
	var old Placement
	for _, p := range placements {
		switch {
		case p.State == PlacementLeaving:
			old = p
		case p.State == PlacementPlaced && p.PlacedAt.Before(start) && !p.VerifyAt.IsZero():
			if p.Stuck {
				return Failed, p.Problem, p.Detail
			}
			return Waiting, p.Problem, p.Detail
		case p.State == PlacementPlaced && p.PlacedAt.Before(start):
			return AlreadyThere, NoProblem, ""
		case p.State == PlacementPlaced:
			return Done, NoProblem, ""
		case p.Problem == ProblemForeign:
			return AlreadyThere, p.Problem, p.Detail
		case p.Stuck && (p.State == PlacementWanted || p.State == PlacementUnknown):
			return Failed, p.Problem, p.Detail
		case p.State == PlacementUnknown && p.Attempts > 1:
			return Unsure, p.Problem, p.Detail
		case p.State == PlacementWanted || p.State == PlacementUnknown:
			return Waiting, p.Problem, p.Detail
		}
	}
	return Waiting, old.Problem, old.Detail // it has to leave first
}

// removalOutcome says the same of removing it; covered tells that another live grant
// wants the key there.
func removalOutcome(placements []Placement, covered bool) (ResultState, Problem, string) {
	if len(placements) == 0 {
		return Done, NoProblem, ""
	}
	switch p := placements[0]; {
	case p.State == PlacementGone:
		return OutOfReach, p.Problem, p.Detail
	case covered && (p.State != PlacementLeaving || p.Urgent):
		return Kept, NoProblem, "" // it stays, or is being renewed, for that grant
	case p.Problem == ProblemRefused:
		return Failed, p.Problem, p.Detail
	case p.CredentialID == 0:
		return Unsure, p.Problem, p.Detail
	default:
		return Waiting, p.Problem, p.Detail
	}
}
