package delivery

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// Envelope is something that a person did in Slack, kept until it was handled.
type Envelope struct {
	ID      string // Slack's own: a second delivery has the same
	Person  access.UserID
	Payload []byte // in the form of package bot; never a private key or a token
	At      time.Time
}

// Backlog is what waits in the inbox or in the outbox.
type Backlog struct {
	Waiting int
	Since   time.Time // of the oldest; zero if nothing waits
}

// Inbox keeps envelopes from before they are acknowledged to Slack, which does not deliver
// them again after that, until they were handled. If the process that holds one dies, its
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
