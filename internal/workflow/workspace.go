package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"sshkeybot/internal/access"
)

// flagWorkspace keeps the workspace, or the organisation, that the ledger began in.
const flagWorkspace = "workspace"

// errOtherWorkspace is wrapped by the refusal of a workspace to which the ledger is not bound.
var errOtherWorkspace = errors.New("another workspace")

// IsOtherWorkspace reports whether an error is that refusal.
func IsOtherWorkspace(err error) bool { return errors.Is(err, errOtherWorkspace) }

// BindWorkspace binds the ledger to the workspace it is used in first, or to the
// organisation of that, and refuses every other one: what another workspace says of
// people must neither give nor end access here.
func (s *Service) BindWorkspace(ctx context.Context, team, enterprise string) error {
	bound, err := Workspace(ctx, s.Store)
	if err != nil {
		return err
	}
	if bound == "" {
		err = s.Store.Update(ctx, func(tx access.Tx) error {
			if bound, err = tx.Flag(ctx, flagWorkspace); err != nil || bound != "" {
				return err
			}
			bound = cmp.Or(enterprise, team)
			if err := tx.SetFlag(ctx, flagWorkspace, bound); err != nil {
				return err
			}
			return tx.Audit(ctx, access.Event{At: s.Now(), Action: access.DidLedgerBind, Noun: access.NounWorkspace, NounID: bound})
		})
		if err != nil {
			return err
		}
	}
	return SameWorkspace(bound, team, enterprise)
}

// Workspace returns the workspace or organisation that a ledger is bound to; empty while
// it is to none.
func Workspace(ctx context.Context, ledger access.Store) (bound string, err error) {
	err = ledger.Read(ctx, func(tx access.Tx) error {
		bound, err = tx.Flag(ctx, flagWorkspace)
		return err
	})
	return bound, err
}

// SameWorkspace refuses, as Unauthorized, a workspace to which a ledger is not bound.
func SameWorkspace(bound, team, enterprise string) error {
	if bound == "" || bound == team || bound == enterprise {
		return nil
	}
	return &access.Error{Code: access.Unauthorized, Err: errOtherWorkspace, Message: fmt.Sprintf(
		"This ledger belongs to the workspace or organisation %s, and my bot token is one of %s. Set a bot token of the former, or another SSHKEYBOT_DATABASE_URL.",
		bound, cmp.Or(enterprise, team))}
}
