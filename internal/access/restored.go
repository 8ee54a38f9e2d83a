package access

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// Restored is what a ledger holds of having been put back from a copy. What was decided after
// the copy was made is not in it, so nothing is given until an approver has seen what that means.
type Restored struct {
	At     time.Time // when that was; zero if it never was
	Head   Head      // the last event in the copy
	HeadAt time.Time // and when that happened
	Last   LastIDs
	Closed int // open requests of the copy
	Acts   int // clicks and commands in the copy that nobody had carried out

	Request     int64     // the one that an approver goes on by
	PeopleAt    time.Time // when everybody was looked up since then; zero is not yet
	ContinuedAt time.Time // zero is not yet
}

// LastIDs are the last ids that a copy of a ledger knows, and the one after which those begin
// that are given since it was put back.
type LastIDs struct{ Request, Grant, Skipped int64 }

// skipAtLeast is how far ids are skipped at least: more than a ledger gives between two copies.
const skipAtLeast = 1_000_000

// skipSince is when the seconds begin that SkipTo counts.
var skipSince = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// SkipTo returns the id after which new ones begin in a ledger that was put back from a copy in
// which the largest is last. People type and read ids («request 41»), and buttons, labels on
// servers and links carry them, so none may ever stand for two things: not for what was made
// after the copy, nor, if the same copy is put back twice, for what was made in between. So the
// time is a part of it. Ids stay within eight digits for years.
func SkipTo(last int64, now time.Time) int64 {
	return last + skipAtLeast + max(0, int64(now.Sub(skipSince).Seconds()))
}

// flagRestored keeps a Restored, as JSON.
const flagRestored = "restored"

// RestoredOf returns how the ledger was put back from a copy; zero if it never was.
func RestoredOf(ctx context.Context, tx FlagTx) (r Restored, err error) {
	text, err := tx.Flag(ctx, flagRestored)
	if err != nil || text == "" {
		return r, err
	}
	return r, json.Unmarshal([]byte(text), &r)
}

// Save stores it.
func (r Restored) Save(ctx context.Context, tx FlagTx) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.SetFlag(ctx, flagRestored, string(text))
}

// Waiting reports whether nothing is given yet since the ledger was put back.
func (r Restored) Waiting() bool { return !r.At.IsZero() && r.ContinuedAt.IsZero() }

// Refusal returns the error for who wants to give access while Waiting.
func (r Restored) Refusal() error {
	return NewConflict("My ledger was restored from a copy whose last event is of " + r.HeadAt.UTC().Format("2006-01-02 15:04") + " UTC. Nothing is granted until an approver has pressed Continue on request " + strconv.FormatInt(r.Request, 10) + "; what ends access goes on.")
}

// LostRequest returns the error about a request that the ledger does not have, if it was made
// after the copy; nil if it was not.
func (r Restored) LostRequest(id int64) error { return r.lost(id, r.Last.Request, "request") }

// LostGrant is LostRequest for a grant.
func (r Restored) LostGrant(id int64) error { return r.lost(id, r.Last.Grant, "access") }

func (r Restored) lost(id, last int64, what string) error {
	if r.At.IsZero() || id <= last || id > r.Last.Skipped {
		return nil
	}
	return NewNotFound("I do not know this " + what + " any more: my ledger was restored from a copy that is older, whose last event is of " + r.HeadAt.UTC().Format("2006-01-02 15:04") + " UTC. This button does nothing; please ask again.")
}

// RestoreTx brings a ledger that was put back from a copy in line with having been away.
type RestoreTx interface {
	// SkipIDs has the ids of new requests, grants, placements and servers begin at SkipTo.
	SkipIDs(ctx context.Context, now time.Time) (LastIDs, error)
	// DropDeliveries counts the notices that were not sent as sent, and what people did and
	// nobody had carried out as handled: it was, after the copy was made. It returns how many
	// of the latter there were.
	DropDeliveries(ctx context.Context, now time.Time) (acts int, err error)
}
