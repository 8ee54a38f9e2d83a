package outbox

import (
	"context"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
)

// largeFrom is from how many results on a request is large: each takes about a kilobyte while it
// is drawn.
const largeFrom = 1000

// waitTurn waits until a request may be drawn, at once if it is not large; done must be called when
// it was. Of the large ones that end access, and of the others, one is drawn at a time, so that
// forty of them need no more memory than two.
func (n *Announcer) waitTurn(ctx context.Context, requestID int64) (done func(), err error) {
	var size delivery.Size
	err = n.Store.Read(ctx, func(tx delivery.Tx) (err error) {
		size, err = tx.Size(ctx, requestID)
		return err
	})
	turn := &n.others
	switch {
	case err != nil && access.CodeOf(err) != access.NotFound: // drawing it returns that error
		return nil, err
	case size.Results < largeFrom:
		return func() {}, nil
	case size.EndsAccess:
		turn = &n.ending
	}
	return turn.Unlock, turn.Lock(ctx)
}
