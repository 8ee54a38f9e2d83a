package access

import (
	"context"
	"time"
)

// flagHalted holds since when the target refuses our credentials, in RFC 3339;
// empty while it does not. All replicas share it.
const flagHalted = "halted"

// errHalted is what work meets while the target refuses our credentials. Nothing
// is lost: the ledger keeps what is owed, and the work goes on once it is mended.
var errHalted = &Error{Code: Unauthorized, Op: "halted", Message: "RunCloud refuses the token, so all work waits."}

// running refuses to work while the target refuses our credentials: every call
// would only be refused as well.
func (s *Service) running(ctx context.Context, tx Tx) error {
	since, err := tx.Flag(ctx, flagHalted)
	if err == nil && since != "" {
		return errHalted
	}
	return err
}

// HaltedSince answers since when all work waits because the target refuses our
// credentials, in RFC 3339; empty while it goes on.
func (s *Service) HaltedSince(ctx context.Context) (since string, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		since, err = tx.Flag(ctx, flagHalted)
		return err
	})
	return since, err
}

// haltOn stops all work when err says that our credentials are refused, tells the
// team once, and answers errHalted; nil for every other error.
func (s *Service) haltOn(ctx context.Context, err error) error {
	if CodeOf(err) != Unauthorized {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	storeErr := s.Store.Update(ctx, func(tx Tx) error {
		since, flagErr := tx.Flag(ctx, flagHalted)
		if flagErr != nil || since != "" {
			return flagErr
		}
		since = s.Now().UTC().Format(time.RFC3339Nano)
		if err := tx.SetFlag(ctx, flagHalted, since); err != nil {
			return err
		}
		if err := s.audit(ctx, tx, "", "work.halt", "target", 0, "running", "halted", MessageOf(err)); err != nil {
			return err
		}
		if err := announceUnsettled(ctx, tx); err != nil {
			return err
		}
		return tx.Notify(ctx, Notice{Key: "halted:" + since, Kind: NoticeHalted, Detail: MessageOf(err)})
	})
	if storeErr != nil {
		return storeErr
	}
	return errHalted
}

// Resume asks the target whether our credentials are accepted again while work is
// halted, and lets it go on if so.
func (s *Service) Resume(ctx context.Context) error {
	since, err := s.HaltedSince(ctx)
	if err != nil || since == "" {
		return err
	}
	if err := s.Target.Ping(ctx); err != nil {
		return nil //nolint:nilerr // still refused, or not reachable: asked again by the next sweep
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		still, err := tx.Flag(ctx, flagHalted)
		if err != nil || still == "" {
			return err
		}
		if err := tx.SetFlag(ctx, flagHalted, ""); err != nil {
			return err
		}
		if err := s.audit(ctx, tx, "", "work.resume", "target", 0, "halted", "running", ""); err != nil {
			return err
		}
		if err := announceUnsettled(ctx, tx); err != nil {
			return err
		}
		return tx.Notify(ctx, Notice{Key: "resumed:" + since, Kind: NoticeResumed})
	})
}

// announceUnsettled has everything drawn anew that waits for the target, since why it
// waits has changed.
func announceUnsettled(ctx context.Context, tx Tx) error {
	ids, err := tx.Unsettled(ctx)
	if err != nil {
		return err
	}
	return tx.Announce(ctx, ids...)
}
