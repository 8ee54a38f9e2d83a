package access

import (
	"context"
	"time"
)

// WorkKind is a kind of work.
type WorkKind string

// The kinds of work. A piece of work names what has to be looked at, never what has to be
// done: whoever does it reads the ledger first, so it cannot act on an outdated order.
const (
	WorkRemove   WorkKind = "remove"   // remove keys from server ID
	WorkRenew    WorkKind = "renew"    // remove keys from server ID in order to place them anew
	WorkAdd      WorkKind = "add"      // place keys on server ID, and remove a second copy of one
	WorkInspect  WorkKind = "inspect"  // find candidates and sessions on server ID
	WorkList     WorkKind = "list"     // read the list of servers of target ID, to inspect each
	WorkAnnounce WorkKind = "announce" // show request ID anew
	WorkNotice   WorkKind = "notice"   // send notice ID
)

// Work is one thing to be looked at: what ID is depends on the kind.
type Work struct {
	Kind WorkKind
	ID   int64
}

// Envelope is something that a person did where the team talks to the bot, kept until it was handled.
type Envelope struct {
	ID      string // the sender's own: a second delivery has the same
	Person  UserID
	Payload []byte // in the form of package bot; never a private key or a token
	At      time.Time
}

// Inbox keeps envelopes from before they are acknowledged to the sender, which does not
// deliver them again after that, until they were handled. If the process that holds one dies, its
// hold ends, and another handles it.
type Inbox interface {
	// Accept stores an envelope, held by this replica until that time. It reports false if
	// it was accepted before.
	Accept(ctx context.Context, e Envelope, heldUntil time.Time) (bool, error)
	// Handled records that an envelope was handled.
	Handled(ctx context.Context, id string) error
	// Hold extends the hold of envelopes that this replica is still busy with.
	Hold(ctx context.Context, ids []string, heldUntil time.Time) error
	// Leftovers takes the envelopes that are neither handled nor held any more, holds them
	// for this replica until that time, and returns them, oldest first.
	Leftovers(ctx context.Context, now, heldUntil time.Time) ([]Envelope, error)
}
