package access

import (
	"context"
	"time"
)

// lookAfter is when a server is read once more, after it was settled that a key is not
// there, for a call that lands only then.
var lookAfter = [...]time.Duration{time.Hour, 12 * time.Hour}

// looksAtOnce is how many servers one call of LookAgain reads.
const looksAtOnce = 20

// lookLater has the server of a placement read again later.
func (s *Service) lookLater(ctx context.Context, tx Tx, p Placement) error {
	for _, after := range lookAfter {
		if err := tx.AddLook(ctx, p.ID, s.Now().Add(after)); err != nil {
			return err
		}
	}
	return nil
}

// lookWhenGone has the server read again where a key of somebody who was offboarded is
// gone.
func (s *Service) lookWhenGone(ctx context.Context, tx Tx, p Placement) error {
	person, err := tx.Person(ctx, p.Person)
	if err != nil || !person.Offboarded() || p.GrantID == 0 || p.Problem == ProblemServerLeft {
		return err
	}
	return s.lookLater(ctx, tx, p)
}

// LookAgain reads the servers where a call without an answer may have landed after all,
// one list for each. A key under our own label that the ledger does not account for is
// removed, and what was said of it is unsaid.
func (s *Service) LookAgain(ctx context.Context) error {
	due, err := s.dueLooks(ctx)
	if err != nil {
		return err
	}
	servers := 0
	for len(due) > 0 && servers < looksAtOnce {
		n := 1
		for n < len(due) && due[n].ServerID == due[0].ServerID {
			n++
		}
		if err := s.lookOn(ctx, due[:n]); err != nil {
			return err
		}
		due, servers = due[n:], servers+1
	}
	return nil
}

func (s *Service) dueLooks(ctx context.Context) (due []Placement, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		if err := s.running(ctx, tx); err != nil {
			return err
		}
		due, err = tx.DueLooks(ctx, s.Now())
		return err
	})
	if CodeOf(err) == Unauthorized {
		return nil, nil // all work waits
	}
	return due, err
}

// lookOn reads the server that all of these placements are of.
func (s *Service) lookOn(ctx context.Context, due []Placement) error {
	turn, release, err := s.Target.Turn(ctx, Addition)
	if err != nil {
		return err
	}
	found, unread := s.Target.List(turn, due[0].ServerID)
	release()
	if halted := s.haltOn(ctx, unread); halted != nil {
		return halted
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		for _, p := range due {
			if err := s.lookedOver(ctx, tx, p.ID, found, unread); err != nil {
				return err
			}
		}
		return nil
	})
}

// lookedOver records what a list that was read, or could not be, says of one placement.
func (s *Service) lookedOver(ctx context.Context, tx Tx, id int64, found []Credential, unread error) error {
	now := s.Now()
	if err := tx.DropLooks(ctx, id, now); err != nil {
		return err
	}
	was, err := tx.Placement(ctx, id)
	if err != nil {
		return err
	}
	if unread != nil {
		return s.lookAfterTrouble(ctx, tx, was)
	}
	own, err := s.ownOn(ctx, tx, was, found)
	if err != nil || len(own) == 0 {
		return err
	}
	switch was.State {
	case PlacementGone:
		return s.landed(ctx, tx, was, own)
	case PlacementPlaced: // all of them are doubles
		return s.extras(ctx, tx, was, own)
	case PlacementWanted: // it is there after all: its own work finds it
		next := was
		next.State, next.RecheckAt, next.NextAt = PlacementUnknown, now, now
		if _, err := s.move(ctx, tx, next, was); err != nil {
			return err
		}
		return tx.Wake(ctx, workOn(next))
	case PlacementUnknown, PlacementLeaving: // its own work settles it
	}
	return nil
}

// lookAfterTrouble puts a look off whose list could not be read; on a server that is gone
// for good there is nothing to read.
func (s *Service) lookAfterTrouble(ctx context.Context, tx Tx, p Placement) error {
	server, err := tx.Server(ctx, p.ServerID)
	if err != nil || server.Gone() {
		return err
	}
	return tx.AddLook(ctx, p.ID, s.Now().Add(lookAfter[0]))
}

// landed has a key removed that was held to be gone and has turned up.
func (s *Service) landed(ctx context.Context, tx Tx, was Placement, own []Credential) error {
	next := was
	next.State, next.CredentialID, next.GoneAt = PlacementLeaving, own[0].ID, time.Time{}
	next.Attempts, next.NextAt, next.Problem, next.Detail = 0, s.Now(), NoProblem, ""
	if _, err := s.move(ctx, tx, next, was); err != nil {
		return err
	}
	return s.extras(ctx, tx, next, own[1:])
}
