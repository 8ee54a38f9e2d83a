package workflow

import (
	"context"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

// isOffboarded reports whether a person may neither ask nor be given access: somebody who was
// offboarded. Where only the directory said so, they may take part again once it
// says that they are back: without the keys and without the right to decide that they had.
func isOffboarded(ctx context.Context, tx access.Tx, id access.UserID) (bool, error) {
	person, err := tx.Person(ctx, id)
	if err != nil || person.ReturnedAt.IsZero() {
		return person.Offboarded(), err
	}
	last, err := lastOffboarding(ctx, tx, id)
	return !last.Automatic(), err
}

// accountActive notes that an account of which the directory had said otherwise is an active member's.
func (s *Service) accountActive(ctx context.Context, id access.UserID) error {
	var person access.Person
	var asked string
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		if person, err = tx.Person(ctx, id); err != nil {
			return err
		}
		asked, err = tx.Flag(ctx, flagDeactivated+string(id))
		return err
	})
	if err != nil || asked == "" && person.Standing == "" {
		return err
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		if err := tx.SetFlag(ctx, flagDeactivated+string(id), ""); err != nil {
			return err
		}
		if err := tx.SetStanding(ctx, id, ""); err != nil {
			return err
		}
		if err := s.withdrawLeaving(ctx, tx, id); err != nil {
			return err
		}
		return s.markReturned(ctx, tx, id)
	})
}

// withdrawLeaving closes what the approvers were asked about somebody who is back.
func (s *Service) withdrawLeaving(ctx context.Context, tx access.Tx, id access.UserID) error {
	open, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}, Kinds: []access.RequestKind{access.KindOffboard}, Person: id})
	if err != nil {
		return err
	}
	for _, r := range open {
		if !strings.HasPrefix(r.Source, access.DeactivatedSource) {
			continue
		}
		if _, err := s.close(ctx, tx, r, access.Cancelled, "", s.Directory.Title()+" says that the account is an active member's again."); err != nil {
			return err
		}
	}
	return nil
}

// markReturned notes that the account of somebody who was offboarded is active again, and
// has that announced where the offboarding was.
func (s *Service) markReturned(ctx context.Context, tx access.Tx, id access.UserID) error {
	now := s.Now()
	won, err := tx.SetReturned(ctx, id, now)
	if err != nil || !won {
		return err
	}
	r, err := lastOffboarding(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := access.Record(ctx, tx, s.Now(), "", access.DidPersonReturn, access.NounRequest, r.ID, "offboarded", "returned", string(id)); err != nil {
		return err
	}
	if err := tx.PersonChanged(ctx, s.Now(), id); err != nil || r.ID == 0 {
		return err
	}
	if err := tx.Notify(ctx, access.Notice{Key: access.NoticeKey("returned:"+string(id), now.UnixMilli()), Kind: access.NoticeReturned, RequestID: r.ID}); err != nil {
		return err
	}
	return access.AnnounceNow(ctx, tx, r.ID)
}

// deactivatedAgain notes that somebody who had returned, and of whom nothing is to be ended,
// has left once more.
func (s *Service) deactivatedAgain(ctx context.Context, tx access.Tx, person access.Person) error {
	if !person.Offboarded() {
		return nil
	}
	won, err := tx.SetReturned(ctx, person.ID, time.Time{})
	if err != nil || !won {
		return err
	}
	r, err := lastOffboarding(ctx, tx, person.ID)
	if err != nil {
		return err
	}
	if err := access.Record(ctx, tx, s.Now(), "", access.DidPersonLeave, access.NounRequest, r.ID, "returned", "offboarded", string(person.ID)); err != nil || r.ID == 0 {
		return err
	}
	return access.AnnounceNow(ctx, tx, r.ID)
}
