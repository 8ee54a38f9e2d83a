package check

import (
	"context"

	"sshkeybot/internal/access"
)

// Log is an audit log.
type Log interface {
	// Events returns the events after a sequence number, oldest first, at most limit.
	Events(ctx context.Context, after int64, limit int) ([]access.Event, error)
}

// Chain is the result of verifying the audit log.
type Chain struct {
	Events   int           `json:"events"`    // the number of events from the first on that form a chain
	LastHash string        `json:"last_hash"` // of the last of them; empty if there are none
	Broken   *access.Event `json:"broken"`    // the first that does not follow the one before it; nil if there is none
}

// pageSize is how many events are read in one transaction.
const pageSize = 1000

// Verify recomputes the chain of the audit log, from its beginning to its end or to the first
// event that breaks it. The error is that of reading the ledger.
func Verify(ctx context.Context, log Log) (chain Chain, err error) {
	var last access.Event
	for {
		page, err := log.Events(ctx, last.Seq, pageSize)
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
