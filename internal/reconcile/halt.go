package reconcile

import (
	"context"
	"encoding/json"
	"time"

	"sshkeybot/internal/access"
)

// flagHalted holds since when the target refuses our credentials, in RFC 3339;
// empty while it does not. All replicas share it.
const flagHalted = "halted"

// errHalted is what work meets while the target refuses our credentials. Nothing
// is lost: the ledger keeps what is owed, and the work goes on once it is mended.
var errHalted = &access.Error{Code: access.Unauthorized, Op: "halted", Message: "RunCloud refuses the token, so all work waits."}

// Halted returns since when all work waits because the target refuses our credentials,
// in RFC 3339; empty while it goes on.
func Halted(ctx context.Context, tx access.Tx) (since string, err error) {
	return tx.Flag(ctx, flagHalted)
}

// refuseIfHalted refuses to work while the target refuses our credentials: every call
// would only be refused as well.
func (e *Engine) refuseIfHalted(ctx context.Context, tx access.Tx) error {
	since, err := tx.Flag(ctx, flagHalted)
	if err == nil && since != "" {
		return errHalted
	}
	return err
}

// HaltedSince answers since when all work waits because the target refuses our
// credentials, in RFC 3339; empty while it goes on.
func (e *Engine) HaltedSince(ctx context.Context) (since string, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		since, err = tx.Flag(ctx, flagHalted)
		return err
	})
	return since, err
}

// flagHalts keeps how the halts went, as JSON.
const flagHalts = "halts"

// halts remembers the halts so that credentials which are accepted for some calls and
// refused for others neither flood the team with news nor RunCloud with calls.
type halts struct {
	Told    bool          // the team was told of a halt, and not yet that it is over
	Resumed time.Time     // when the last one ended
	Wait    time.Duration // for so long the next one lasts at least, and must its end hold to be told
}

const (
	relapse      = 10 * time.Minute // a halt that comes so soon after the last is no news
	firstRelapse = time.Minute
	lastRelapse  = 5 * time.Minute
)

func haltsOf(ctx context.Context, tx access.Tx) (h halts, err error) {
	text, err := tx.Flag(ctx, flagHalts)
	if err != nil || text == "" {
		return h, err
	}
	return h, json.Unmarshal([]byte(text), &h)
}

func (h halts) save(ctx context.Context, tx access.Tx) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return tx.SetFlag(ctx, flagHalts, string(text))
}

// haltOn stops all work when err says that our credentials are refused, tells the
// team once, and answers errHalted; nil for every other error.
func (e *Engine) haltOn(ctx context.Context, err error) error {
	if access.CodeOf(err) != access.Unauthorized {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	storeErr := e.Store.Update(ctx, func(tx access.Tx) error {
		since, flagErr := tx.Flag(ctx, flagHalted)
		if flagErr != nil || since != "" {
			return flagErr
		}
		h, flagErr := haltsOf(ctx, tx)
		if flagErr != nil {
			return flagErr
		}
		news := !h.Told
		if h.Told = true; e.Now().Sub(h.Resumed) < relapse {
			h.Wait = min(max(firstRelapse, 2*h.Wait), lastRelapse)
		} else {
			h.Wait = 0
		}
		if err := h.save(ctx, tx); err != nil {
			return err
		}
		since = e.Now().UTC().Format(time.RFC3339Nano)
		if err := tx.SetFlag(ctx, flagHalted, since); err != nil {
			return err
		}
		if err := access.Record(ctx, tx, e.Now(), "", "work.halt", "target", 0, "running", "halted", access.MessageOf(err)); err != nil {
			return err
		}
		if err := announceUnsettled(ctx, tx); err != nil {
			return err
		}
		if !news {
			return nil
		}
		return tx.Notify(ctx, access.Notice{Key: "halted:" + since, Kind: access.NoticeHalted, Detail: access.MessageOf(err)})
	})
	if storeErr != nil {
		return storeErr
	}
	return errHalted
}

// Resume asks the target whether our credentials are accepted again while work is
// halted, lets it go on if so, and tells so once that holds.
func (e *Engine) Resume(ctx context.Context) error {
	var since string
	var h halts
	err := e.Store.Read(ctx, func(tx access.Tx) (err error) {
		if since, err = tx.Flag(ctx, flagHalted); err != nil {
			return err
		}
		h, err = haltsOf(ctx, tx)
		return err
	})
	if err != nil || since == "" && !h.Told {
		return err
	}
	if since != "" {
		return e.tryAgain(ctx, since, h.Wait)
	}
	return e.Store.Update(ctx, func(tx access.Tx) error { return e.tellResumed(ctx, tx) })
}

// tryAgain lets work go on that was halted then, and is to wait so long; not right after
// a start, which may have brought another token.
func (e *Engine) tryAgain(ctx context.Context, since string, wait time.Duration) error {
	at, err := time.Parse(time.RFC3339Nano, since)
	if age := e.Now().Sub(at); err != nil || e.tried.Swap(true) && age >= 0 && age < wait {
		return err
	}
	if err := e.Target.Ping(ctx); err != nil {
		return nil //nolint:nilerr // still refused, or not reachable: asked again by the next sweep
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		still, err := tx.Flag(ctx, flagHalted)
		if err != nil || still == "" {
			return err
		}
		if err := tx.SetFlag(ctx, flagHalted, ""); err != nil {
			return err
		}
		if err := access.Record(ctx, tx, e.Now(), "", "work.resume", "target", 0, "halted", "running", ""); err != nil {
			return err
		}
		h, err := haltsOf(ctx, tx)
		if err != nil {
			return err
		}
		h.Resumed = e.Now()
		if err := h.save(ctx, tx); err != nil {
			return err
		}
		if err := announceUnsettled(ctx, tx); err != nil {
			return err
		}
		return e.tellResumed(ctx, tx)
	})
}

// tellResumed tells that work goes on, after a relapse only when that has held.
func (e *Engine) tellResumed(ctx context.Context, tx access.Tx) error {
	since, err := tx.Flag(ctx, flagHalted)
	if err != nil || since != "" {
		return err
	}
	h, err := haltsOf(ctx, tx)
	if held := e.Now().Sub(h.Resumed); err != nil || !h.Told || held >= 0 && held < h.Wait {
		return err
	}
	h.Told = false
	if err := h.save(ctx, tx); err != nil {
		return err
	}
	return tx.Notify(ctx, access.Notice{Key: "resumed:" + h.Resumed.UTC().Format(time.RFC3339Nano), Kind: access.NoticeResumed})
}

// announceUnsettled has everything drawn anew that waits for the target, since why it
// waits has changed.
func announceUnsettled(ctx context.Context, tx access.Tx) error {
	ids, err := tx.Unsettled(ctx)
	if err != nil {
		return err
	}
	return tx.Announce(ctx, ids...)
}
