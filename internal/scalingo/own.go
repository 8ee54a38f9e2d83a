package scalingo

import (
	"context"
	"slices"
	"time"
)

// exchangeGap keeps two exchanges apart, so that they differ in a time of whole seconds.
const exchangeGap = 1100 * time.Millisecond

const opFindOwn = "find own API token"

// ownToken remembers which row of the API tokens is that of the client.
type ownToken struct {
	lock chan struct{} // held while it is being found out
	id   string        // empty while it is not known
}

func newOwnToken() ownToken { return ownToken{lock: make(chan struct{}, 1)} }

// OwnToken returns the id of the API token that the client itself uses. Scalingo does not mark it, so it is
// found by when it was last used: it is the one row for which that changes with each of two exchanges, and at
// neither of the two moments before them in which none is made. A row that somebody else uses all the time
// changes at all of them, and one that is never marked as used at none.
//
// It takes two exchanges, five lists and more than two seconds. An id that was found is remembered. While none
// is certain the error is [ErrOwnTokenUnknown], and the next call tries anew.
func (c *Client) OwnToken(ctx context.Context) (string, error) {
	select {
	case c.own.lock <- struct{}{}:
		defer func() { <-c.own.lock }()
	case <-ctx.Done():
		return "", notSent(opFindOwn, ctx.Err())
	}
	if c.own.id != "" {
		return c.own.id, nil
	}
	id, err := c.findOwnToken(ctx)
	c.own.id = id
	return id, err
}

func (c *Client) findOwnToken(ctx context.Context) (string, error) {
	lists, err := c.watchTokens(ctx)
	if err != nil {
		return "", err
	}
	own, pattern := "", [4]bool{false, true, false, true} // with the exchanges alone
	for _, t := range lists[0] {
		switch {
		case usePattern(lists, t.ID) != pattern:
		case own != "":
			return "", ErrOwnTokenUnknown
		default:
			own = t.ID
		}
	}
	if own == "" {
		return "", ErrOwnTokenUnknown
	}
	return own, nil
}

// watchTokens lists the tokens five times. There is an exchange before the third and before the fifth list,
// and a pause before each of the lists that come before those.
func (c *Client) watchTokens(ctx context.Context) (lists [5][]APIToken, err error) {
	for i := range lists {
		switch i {
		case 1, 3:
			err = pauseFor(ctx, exchangeGap)
		case 2, 4:
			err = c.session.renew(ctx, opFindOwn)
		}
		if err != nil {
			return lists, err
		}
		if lists[i], err = c.APITokens(ctx); err != nil {
			return lists, err
		}
	}
	return lists, nil
}

// usePattern returns between which of the lists it changes when that token was used last.
func usePattern(lists [5][]APIToken, id string) (changed [4]bool) {
	for i := range changed {
		changed[i] = !lastUse(lists[i], id).Equal(lastUse(lists[i+1], id))
	}
	return changed
}

func lastUse(tokens []APIToken, id string) time.Time {
	if i := slices.IndexFunc(tokens, func(t APIToken) bool { return t.ID == id }); i >= 0 {
		return tokens[i].LastUsedAt
	}
	return time.Time{}
}

func pauseFor(ctx context.Context, d time.Duration) error {
	if err := sleep(ctx, d); err != nil {
		return notSent(opFindOwn, err)
	}
	return nil
}
