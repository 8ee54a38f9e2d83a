package workflow

import (
	"context"
	"slices"

	"sshkeybot/internal/access"
)

// GoneForGood settles, at an approver's word, that a server which a request still owes is
// gone: nobody has confirmed that its keys are off it, but nothing waits for it any more.
func (s *Service) GoneForGood(ctx context.Context, requestID, serverID int64, actor access.UserID) (gone access.Server, err error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return access.Server{}, err
	}
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		results, err := tx.Results(ctx, requestID)
		if err != nil {
			return err
		}
		if gone, err = tx.Server(ctx, serverID); err != nil {
			return err
		}
		owes := func(o access.Result) bool { return o.ServerID == serverID && owed(o) }
		switch {
		case gone.Gone():
			return access.NewConflict("It is settled already that this server is gone.")
		case !gone.Missing():
			return access.NewConflict("The server is found again, so I go on there by myself.")
		case r.State != access.Approved || !slices.ContainsFunc(results, owes):
			return access.NewConflict("Nothing of this request waits for that server.")
		}
		return s.Engine.SettleGone(ctx, tx, gone, actor)
	})
	return gone, err
}

// owed reports whether a removal or an inspection is still to be done.
func owed(r access.Result) bool { return r.Phase != access.PhaseAdd && !r.State.Final() }

// missingOf lists the missing servers that results wait for.
func missingOf(results []access.Result, known []access.Server) (missing []access.ServerRef) {
	for _, server := range known {
		waits := func(r access.Result) bool { return r.ServerID == server.ID && owed(r) }
		if server.Missing() && slices.ContainsFunc(results, waits) {
			missing = append(missing, access.ServerRef{ID: server.ID, Name: server.Name})
		}
	}
	return missing
}
