package workflow

import (
	"context"
	"errors"

	"sshkeybot/internal/access"
)

// FindUndecidable notes which pending requests nobody is left to decide, and which
// somebody can decide again. They wait for that until their own time is over: a mistake
// in a setting decides nothing.
func (s *Service) FindUndecidable(ctx context.Context) error {
	var pending []access.Request
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		pending, err = tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}})
		return err
	})
	if err != nil {
		return err
	}
	var trouble error
	for _, r := range pending {
		cause := s.requireDeciders(ctx, r)
		nobody := access.CodeOf(cause) == access.Forbidden
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
	return s.Store.Update(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, id)
		if err != nil || r.State != access.Pending || r.Undecidable == nobody {
			return err
		}
		r.Undecidable = nobody
		if won, err := tx.MoveRequest(ctx, r, access.Pending); err != nil || !won {
			return err
		}
		action := access.DidRequestDecidable
		if nobody {
			action = access.DidRequestUndecidable
		}
		if err := access.Record(ctx, tx, s.Now(), "", action, access.NounRequest, r.ID, string(access.Pending), string(access.Pending), ""); err != nil {
			return err
		}
		return access.AnnounceNow(ctx, tx, r.ID)
	})
}
