package delivery

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// Store is the outbox's part of the ledger. Both methods may call fn again when the database
// asks for it, so fn has no effect outside the transaction.
type Store interface {
	// Update runs fn in one transaction; an error from fn undoes everything.
	Update(ctx context.Context, fn func(Tx) error) error
	// Read runs fn on one consistent state, without writing.
	Read(ctx context.Context, fn func(Tx) error) error
}

// Tx is one transaction on that part. Methods that look up one thing return an access.Error
// with code NotFound when it is not there.
type Tx interface {
	access.NewsTx

	// Drawing returns how far Slack shows a request.
	Drawing(ctx context.Context, requestID int64) (Drawing, error)
	// Size returns what it takes to draw a request.
	Size(ctx context.Context, requestID int64) (Size, error)
	// SaveDrawing records how far Slack shows the request (Shown), when to draw next,
	// and how often that has failed.
	SaveDrawing(ctx context.Context, d Drawing) error
	// DueDrawings lists the requests whose drawing is behind and due, the longest due first.
	DueDrawings(ctx context.Context, now time.Time) ([]int64, error)

	// Notice returns a notice.
	Notice(ctx context.Context, id int64) (Notice, error)
	// SaveNotice records how far a notice was sent.
	SaveNotice(ctx context.Context, n Notice) error
	// DueNotices lists the notices that are not sent and due, the oldest first.
	DueNotices(ctx context.Context, now time.Time) ([]int64, error)

	// Messages lists what was posted for a request, the oldest first.
	Messages(ctx context.Context, requestID int64) ([]Message, error)
	// SaveMessage adds a message, or replaces the one with the same request, role, channel and ts.
	SaveMessage(ctx context.Context, m Message) error
	// Tell records what the thread has shown of these results.
	Tell(ctx context.Context, rs []access.Result) error

	// Wake makes sure that each piece of work runs soon. It is part of the transaction.
	Wake(ctx context.Context, work ...access.Work) error
}
