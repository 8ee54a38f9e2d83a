package access

import (
	"context"
	"errors"
)

// FindUndecidable notes which pending requests nobody is left to decide, and which
// somebody can decide again. They wait for that until their own time is over: a mistake
// in a setting decides nothing.
func (s *Service) FindUndecidable(ctx context.Context) error {
	var pending []Request
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
		pending, err = tx.Requests(ctx, RequestQuery{States: []RequestState{Pending}})
		return err
	})
	if err != nil {
		return err
	}
	var trouble error
	for _, r := range pending {
		cause := s.deciders(ctx, r)
		nobody := CodeOf(cause) == Forbidden
		if cause != nil && !nobody {
			trouble = errors.Join(trouble, cause)
			continue
		}
		if nobody != r.Undecidable {
			trouble = errors.Join(trouble, s.markUndecidable(ctx, r.ID, nobody))
		}
	}
	return trouble
}

func (s *Service) markUndecidable(ctx context.Context, id int64, nobody bool) error {
	return s.Store.Update(ctx, func(tx Tx) error {
		r, err := tx.Request(ctx, id)
		if err != nil || r.State != Pending || r.Undecidable == nobody {
			return err
		}
		r.Undecidable = nobody
		if won, err := tx.MoveRequest(ctx, r, Pending); err != nil || !won {
			return err
		}
		action := "request.decidable"
		if nobody {
			action = "request.undecidable"
		}
		if err := Record(ctx, tx, s.Now(), "", action, "request", r.ID, string(Pending), string(Pending), ""); err != nil {
			return err
		}
		return announceNow(ctx, tx, r.ID)
	})
}
