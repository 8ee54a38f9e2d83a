package access

import (
	"context"
	"slices"
	"time"
)

// A grant may want keys that the ledger holds to be there already, placed for an earlier
// one. Somebody may have deleted them at the target since, so that is not said before the
// target was asked: one list for each server.

// verify reads a server's list to see whether the keys still are there that are to be
// looked for. One that is not is placed anew as in a renewal: its removal by its own id
// makes sure that it is gone, so that a list which lacked it by mistake leaves no key
// behind that the ledger does not know.
func (s *Service) verify(ctx context.Context, p Placement) error {
	began := s.Now()
	found, err := s.list(ctx, p)
	if ctx.Err() != nil {
		return ctx.Err() // told to stop: nothing is wrong with the server
	}
	return s.record(ctx, err, func(ctx context.Context, tx Tx) error {
		asked, listErr := tx.Placements(ctx, PlacementQuery{Server: p.ServerID, VerifyBefore: began})
		if listErr != nil {
			return listErr
		}
		for _, was := range asked {
			if err := s.verified(ctx, tx, was, found, err); err != nil {
				return err
			}
		}
		return nil
	})
}

// verified records what a reading of the list says of a placed key. cause is why there is
// none.
func (s *Service) verified(ctx context.Context, tx Tx, was Placement, found []Credential, cause error) error {
	if cause != nil {
		_, err := s.move(ctx, tx, s.unverified(was, cause), was)
		return err
	}
	next := was
	next.VerifyAt, next.Problem, next.Detail = time.Time{}, NoProblem, ""
	if slices.ContainsFunc(found, func(c Credential) bool { return c.ID == was.CredentialID }) {
		_, err := s.move(ctx, tx, next, was)
		return err
	}
	if err := Record(ctx, tx, s.Now(), "", "placement.missing", "placement", was.ID, string(PlacementPlaced), string(PlacementLeaving), was.Label); err != nil {
		return err
	}
	if _, err := s.move(ctx, tx, s.replaced(next), was); err != nil {
		return err
	}
	return tx.Wake(ctx, Work{Kind: WorkRemove, ID: was.ServerID})
}

// unverified returns a placed key that is looked for again when the cause lets it; what
// was refused waits for a person.
func (s *Service) unverified(p Placement, cause error) Placement {
	if CodeOf(cause) == Unauthorized {
		return p
	}
	p.Attempts++
	p.Problem, p.Detail = problemOf(cause), MessageOf(cause)
	p.Stuck = p.Problem == ProblemRefused
	p.VerifyAt = s.Now().Add(min(longestWait, max(RetryAfter(cause), backoff(p.Attempts))))
	return p
}

// replaced returns a placed key on its way out that is placed anew at once.
func (s *Service) replaced(p Placement) Placement {
	p.State, p.Urgent, p.Attempts, p.LeftAt, p.NextAt = PlacementLeaving, true, 0, s.Now(), s.Now()
	return p
}
