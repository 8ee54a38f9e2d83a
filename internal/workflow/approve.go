package workflow

import (
	"context"

	"sshkeybot/internal/access"
)

// approve moves the request to approved and carries it into the ledger.
func (s *Service) approve(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID, alias string) (access.Request, error) {
	switch r.Kind {
	case access.KindGrant:
		return s.approveGrant(ctx, tx, r, actor, alias)
	case access.KindExtend:
		return s.approveExtension(ctx, tx, r, actor)
	case access.KindRevoke:
		return s.approveRevocation(ctx, tx, r, actor)
	case access.KindOffboard:
		return s.approveOffboarding(ctx, tx, r, actor)
	case access.KindReinstate:
		return s.approveReinstatement(ctx, tx, r, actor)
	case access.KindPurge:
		return s.approvePurge(ctx, tx, r, actor)
	case access.KindRotate:
		return s.approveRotation(ctx, tx, r, actor)
	case access.KindRestore:
		return s.approveRestore(ctx, tx, r, actor)
	case access.KindOrphan, access.KindAudit:
	}
	return r, access.NewConflict("There is nothing to approve here.")
}

// approveGrant starts the grant first: the decision names it.
func (s *Service) approveGrant(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID, alias string) (access.Request, error) {
	var err error
	if r.GrantID, err = s.startGrant(ctx, tx, r, alias); err != nil {
		return r, err
	}
	return s.close(ctx, tx, r, access.Approved, actor, r.Note)
}

// approveExtension closes the request first: the new end would void its approvals otherwise.
func (s *Service) approveExtension(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (access.Request, error) {
	r, err := s.close(ctx, tx, r, access.Approved, actor, r.Note)
	if err != nil {
		return r, err
	}
	return r, s.extendGrant(ctx, tx, r, actor)
}

// approveRevocation closes the request first: what it ends would close it otherwise.
func (s *Service) approveRevocation(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (access.Request, error) {
	var err error
	if r.Person, err = ownerNow(ctx, tx, r); err != nil {
		return r, err
	}
	if r, err = s.close(ctx, tx, r, access.Approved, actor, r.Note); err != nil {
		return r, err
	}
	return r, s.carryOutRevoke(ctx, tx, r, actor)
}

// approveOffboarding closes the request first: all other requests of the person are closed
// with what it ends.
func (s *Service) approveOffboarding(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (access.Request, error) {
	r, err := s.close(ctx, tx, r, access.Approved, actor, r.Note)
	if err != nil {
		return r, err
	}
	return r, s.carryOutOffboard(ctx, tx, r, actor)
}
