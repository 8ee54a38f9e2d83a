package access

import (
	"context"
	"time"
)

// WorkKind names a sort of work.
type WorkKind string

// The work there is: always what has to be looked at, never what has to be done.
const (
	WorkRemove   WorkKind = "remove"   // what must leave server ID
	WorkRenew    WorkKind = "renew"    // what leaves server ID only to be placed there anew
	WorkAdd      WorkKind = "add"      // what must be placed on server ID, and whether it was placed twice
	WorkInspect  WorkKind = "inspect"  // candidates and sessions on server ID
	WorkList     WorkKind = "list"     // the servers of target ID, each of which is to be inspected
	WorkAnnounce WorkKind = "announce" // draw request ID
	WorkNotice   WorkKind = "notice"   // send notice ID
)

// Work is one thing to be looked at.
type Work struct {
	Kind WorkKind
	ID   int64
}

// Envelope is something that a person did in Slack, kept until it was handled.
type Envelope struct {
	ID      string // Slack's, so that a second delivery is recognised
	Person  UserID
	Payload []byte // the drawer's own form; never a private key or a token
	At      time.Time
}

// Inbox keeps envelopes between their acknowledgement and their handling.
type Inbox interface {
	// Accept stores an envelope, held by this replica until that time; false when
	// it was accepted before.
	Accept(ctx context.Context, e Envelope, heldUntil time.Time) (bool, error)
	// Handled marks it as done.
	Handled(ctx context.Context, id string) error
	// Hold keeps envelopes that this replica is still busy with, until that time.
	Hold(ctx context.Context, ids []string, heldUntil time.Time) error
	// Leftovers takes the envelopes that are not handled and no longer held, oldest
	// first, and holds them until that time.
	Leftovers(ctx context.Context, now, heldUntil time.Time) ([]Envelope, error)
}
