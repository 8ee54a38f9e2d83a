package reconcile

import (
	"context"

	"sshkeybot/internal/access"
)

// readForRotation makes candidates of the keys of a rotation's system user that the ledger does not
// account for: one of them may be the old key of the account.
func (e *Engine) readForRotation(ctx context.Context, tx access.Tx, r access.Request, result access.Result, read contents) error {
	known, err := e.claimsOn(ctx, tx, result.ServerID)
	if err != nil {
		return err
	}
	var before []access.Candidate
	for _, c := range read.keys {
		if c.SystemUser == r.SystemUser && !known.account(c) {
			before = append(before, candidate(result, c, access.WhyBefore))
		}
	}
	if err := tx.SaveCandidates(ctx, before); err != nil {
		return err
	}
	result.State, result.Setback, result.Sessions = access.Done, access.Setback{}, read.sessions
	return e.saveInspection(ctx, tx, result)
}
