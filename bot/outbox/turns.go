package outbox

import (
	"context"
	"sync"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
)

const (
	// largeFrom is from how many results on a request is large: each takes about a kilobyte
	// while it is drawn.
	largeFrom = 1000
	// largeAtOnce is how many large requests are drawn at the same time, of those that end
	// access and of the others, so that forty of them need no more memory than two.
	largeAtOnce = 1
)

// turns lets few in at a time.
type turns struct {
	once sync.Once
	free chan struct{}
}

// take waits for a turn, which give ends.
func (t *turns) take(ctx context.Context) (give func(), err error) {
	t.once.Do(func() { t.free = make(chan struct{}, largeAtOnce) })
	select {
	case t.free <- struct{}{}:
		return func() { <-t.free }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// waitTurn waits until a request may be drawn, at once if it is not large; done must be called when it
// was.
func (n *Announcer) waitTurn(ctx context.Context, requestID int64) (done func(), err error) {
	var size delivery.Size
	err = n.Store.Read(ctx, func(tx delivery.Tx) (err error) {
		size, err = tx.Size(ctx, requestID)
		return err
	})
	switch {
	case err != nil && access.CodeOf(err) != access.NotFound: // drawing it returns that error
		return nil, err
	case size.Results < largeFrom:
		return func() {}, nil
	case size.EndsAccess:
		return n.ending.take(ctx)
	}
	return n.others.take(ctx)
}
