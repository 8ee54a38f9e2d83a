package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Event is one line of the audit log: who did what to what, when, from which
// state to which. Each event carries the hash of the one before it, so that an
// edit or a gap in the middle shows.
type Event struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Actor  UserID    `json:"actor"` // empty when time or the bot acted
	Action string    `json:"action"`
	Noun   string    `json:"noun"`
	NounID string    `json:"noun_id"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Detail string    `json:"detail"`
	Prev   string    `json:"prev"`
	Hash   string    `json:"hash"`
}

// Record appends an event to the audit log.
func Record(ctx context.Context, tx Tx, at time.Time, actor UserID, action, noun string, id int64, from, to, detail string) error {
	return tx.Audit(ctx, Event{
		At: at, Actor: actor, Action: action, Noun: noun, NounID: strconv.FormatInt(id, 10), From: from, To: to, Detail: detail,
	})
}

// Seal gives the event its place in the chain: the number after prev's and the
// hash over its own content and prev's hash.
func (e Event) Seal(prev Event) Event {
	e.Seq, e.Prev = prev.Seq+1, prev.Hash
	e.At = e.At.UTC().Truncate(time.Millisecond)
	e.Hash = e.digest()
	return e
}

func (e Event) digest() string {
	// A JSON array keeps the fields apart whatever they contain.
	content, _ := json.Marshal([]string{ // strings always marshal
		e.Prev, strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.At.UnixMilli(), 10), string(e.Actor),
		e.Action, e.Noun, e.NounID, e.From, e.To, e.Detail,
	})
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// VerifyNext tells whether e follows prev unchanged.
func (e Event) VerifyNext(prev Event) error {
	if e.Seq != prev.Seq+1 || e.Prev != prev.Hash || e.Hash != e.digest() {
		return fmt.Errorf("audit chain is broken at event %d", e.Seq)
	}
	return nil
}
