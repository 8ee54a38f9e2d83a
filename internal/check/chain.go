package check

import (
	"context"
	"slices"

	"sshkeybot/internal/access"
)

// Log is an audit log.
type Log interface {
	// Events returns the events after a sequence number, oldest first, at most limit.
	Events(ctx context.Context, after int64, limit int) ([]access.Event, error)
	// Found returns the subjects by which the events after a sequence number, up to and
	// including another one, are found, by their numbers, each in ascending order.
	Found(ctx context.Context, after, through int64) (map[int64][]access.Subject, error)
}

// Chain is the result of verifying the audit log.
type Chain struct {
	Events int         `json:"events"` // how many were verified; not the one that was known before
	Head   access.Head `json:"head"`   // the last event that holds; without a break, that of the log
	Broken *Break      `json:"broken"` // nil if the whole log holds
}

// Break is the first place where an audit log does not hold.
type Break struct {
	Number int64         `json:"number"` // of the event
	Reason string        `json:"reason"` // a clause about it
	Event  *access.Event `json:"event"`  // nil if the log has none with that number
}

// pageSize is how many events are read in one transaction.
const pageSize = 1000

// Verify recomputes the chain of the audit log, to its end or to the first event that breaks
// it: from a head that was known before, whose event the log still must have as it was, or
// from the beginning for the zero head. It also verifies that the log finds each event by
// what it concerns. The error is that of reading the ledger.
func Verify(ctx context.Context, log Log, since access.Head) (Chain, error) {
	v := verification{log: log}
	if since != (access.Head{}) {
		if err := v.begin(ctx, since); err != nil || v.Broken != nil {
			return v.Chain, err
		}
	}
	for {
		page, err := log.Events(ctx, v.last.Seq, pageSize)
		if err != nil || len(page) == 0 {
			return v.Chain, err
		}
		if err := v.next(ctx, page); err != nil || v.Broken != nil {
			return v.Chain, err
		}
	}
}

// verification is a chain that is being verified.
type verification struct {
	Chain
	log  Log
	last access.Event
}

// begin looks for the event of a head that was known before.
func (v *verification) begin(ctx context.Context, since access.Head) error {
	page, err := v.log.Events(ctx, since.Seq-1, 1)
	if err != nil {
		return err
	}
	if len(page) == 0 || page[0].Seq != since.Seq {
		v.Broken = &Break{Number: since.Seq, Reason: "it is missing, and was there before"}
		return nil
	}
	e := page[0]
	if e.Hash != since.Hash {
		v.Broken = &Break{Number: e.Seq, Reason: "its hash was another one before, so the log was rewritten up to here", Event: &e}
		return nil
	}
	v.last = access.Event{Seq: e.Seq - 1, Hash: e.Prev} // whatever came before it is in its hash
	if err := v.next(ctx, page); err != nil {
		return err
	}
	v.Events = 0
	return nil
}

// next verifies the events that come next.
func (v *verification) next(ctx context.Context, page []access.Event) error {
	found, err := v.log.Found(ctx, page[0].Seq-1, page[len(page)-1].Seq)
	if err != nil {
		return err
	}
	for _, e := range page {
		reason := ""
		if err := e.VerifyNext(v.last); err != nil {
			reason = err.Error()
		} else if !slices.Equal(found[e.Seq], e.Subjects()) {
			reason = "the log does not find it by those whom it concerns"
		}
		if reason != "" {
			v.Broken = &Break{Number: e.Seq, Reason: reason, Event: &e}
			return nil
		}
		v.Events, v.Head, v.last = v.Events+1, e.Head(), e
	}
	return nil
}
