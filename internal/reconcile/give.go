package reconcile

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// There are two reasons to give nothing for a while: nobody knows what time it is, or nobody
// knows what was decided, since the ledger was put back from a copy. What ends access goes on.

// MayGive refuses to give access while there is such a reason, and returns the time of the
// steady clock.
func (e *Engine) MayGive(ctx context.Context, tx access.Tx) (steady time.Time, err error) {
	restored, err := access.RestoredOf(ctx, tx)
	if err != nil {
		return steady, err
	}
	if restored.Waiting() {
		return steady, restored.Refusal()
	}
	v, err := e.Clocks(ctx, tx)
	if err == nil && v.InDoubt() {
		err = access.NewConflict("My clock is in doubt: " + v.Doubt() + ". Nothing is granted until that is settled; I say so in the channel. Please try again then.")
	}
	return v.Mark.Steady, err
}

// mayPlace refuses to place a key while there is a reason to give nothing. To renewals, which
// give nothing new, a doubt about the clock is none as long as it is known how much time has
// passed. A restored ledger is one: their access may have been ended after the copy was made.
func (e *Engine) mayPlace(ctx context.Context, p access.Placement) error {
	return e.Store.Read(ctx, func(tx access.Tx) error {
		restored, err := access.RestoredOf(ctx, tx)
		if err != nil {
			return err
		}
		if restored.Waiting() {
			return &access.Error{Code: access.Unavailable, Op: "restored", Message: "My ledger was restored from a copy. I place the key once an approver has pressed Continue."}
		}
		v, err := e.Clocks(ctx, tx)
		if err == nil && (v.Mark.Lost || v.InDoubt() && !p.Urgent) {
			err = &access.Error{Code: access.Unavailable, Op: "clock", Message: "My clock is in doubt: " + v.Doubt() + ". I place the key once that is settled."}
		}
		return err
	})
}

// mayRenew reports whether keys are taken away now in order to be placed anew.
func (e *Engine) mayRenew(ctx context.Context, tx access.Tx) (bool, error) {
	restored, err := access.RestoredOf(ctx, tx)
	if err != nil || restored.Waiting() {
		return false, err
	}
	v, err := e.Clocks(ctx, tx)
	return !v.Mark.Lost, err
}
