package check

import (
	"context"

	"sshkeybot/internal/access"
)

// Chain is what a look at the whole audit log came to.
type Chain struct {
	Events   int           `json:"events"`    // that hold together
	LastHash string        `json:"last_hash"` // of the last of them; empty when there are none
	Broken   *access.Event `json:"broken"`    // the first that does not follow the one before it; nil is none
}

// atOnce is how many events are read at a time.
const atOnce = 1000

// Verify recomputes the chain of the audit log, from its beginning to its end.
func Verify(ctx context.Context, ledger access.Store) (chain Chain, err error) {
	var last access.Event
	for {
		var page []access.Event
		err := ledger.Read(ctx, func(tx access.Tx) (err error) {
			page, err = tx.Events(ctx, last.Seq, atOnce)
			return err
		})
		if err != nil || len(page) == 0 {
			return chain, err
		}
		for _, e := range page {
			if e.VerifyNext(last) != nil {
				chain.Broken = &e
				return chain, nil
			}
			chain.Events, chain.LastHash, last = chain.Events+1, e.Hash, e
		}
	}
}
