package delivery

import (
	"context"
	"time"

	"sshkeybot/internal/access"
)

// Drawing says how far Slack shows a request.
type Drawing struct {
	RequestID int64
	Version   int64     // grows with every change
	Shown     int64     // the version that Slack shows
	NextAt    time.Time // do not draw before
	Attempts  int       // failures in a row
}

// Size is what it takes to draw a request.
type Size struct {
	Results    int  // of the request, all of which are read
	EndsAccess bool // of its kind
}

// Message is a message that was posted for a request.
type Message struct {
	RequestID int64
	Role      string // what it is for: the outbox's word
	Channel   string
	TS        string
	Digest    string // of what it shows, so that the same is not sent twice
}

// Shown reports whether Slack shows a request as it is. What was read of the request before
// is then shown, or something newer is.
func Shown(ctx context.Context, s Store, requestID int64) (shown bool, err error) {
	err = s.Read(ctx, func(tx Tx) error {
		d, err := tx.Drawing(ctx, requestID)
		if access.CodeOf(err) == access.NotFound { // nothing is to be shown
			err = nil
		}
		shown = d.Shown >= d.Version
		return err
	})
	return shown, err
}
