package octopus

import (
	"context"
	"net/http"
	"net/url"
)

// FindAccount returns the account of a space that has that id, or else the one with that name, compared whole and
// as it is written: Octopus itself searches for a part. If none or several have it, the error is a
// [*LookupError].
func (c *Client) FindAccount(ctx context.Context, space, nameOrID string) (Account, error) {
	if isID(nameOrID) {
		account, err := c.Account(ctx, space, nameOrID)
		if !isNoID(err) {
			return account, err
		}
	}
	query := url.Values{"partialName": {nameOrID}}
	docs, err := all(ctx, c, path{space, "accounts"}, query, func(d document) string { return d.text("Id") })
	if err != nil {
		return Account{}, err
	}
	found, err := one("account", nameOrID, having(docs, nameOrID, func(d document) string { return d.text("Name") }))
	if err != nil {
		return Account{}, err
	}
	return newAccount(found), nil
}

// Account returns the account with an id; see [IsNotFound].
func (c *Client) Account(ctx context.Context, space, id string) (Account, error) {
	return c.account(ctx, http.MethodGet, path{space, "accounts", id}, nil, id)
}

// UpdateAccount replaces the account by the given one and returns it as Octopus stored it. It is sent once; after
// an error look at [IsOutcomeUnknown] before sending again.
func (c *Client) UpdateAccount(ctx context.Context, space string, a Account) (Account, error) {
	return c.account(ctx, http.MethodPut, path{space, "accounts", a.ID()}, a.document(), a.ID())
}

// CreateAccount adds an SSH key pair account that may be used in every environment, and returns it as Octopus
// stored it. It is sent once; after an error look at [IsOutcomeUnknown] before sending again. A name that is
// taken is [IsInvalid].
func (c *Client) CreateAccount(ctx context.Context, space string, n NewAccount) (Account, error) {
	return c.account(ctx, http.MethodPost, path{space, "accounts"}, n.wire(), "")
}

// account makes a call whose answer is an account, with the given id unless that is "".
func (c *Client) account(ctx context.Context, method string, p path, in any, id string) (Account, error) {
	var d document
	if err := c.call(ctx, method, p, nil, in, &d); err != nil {
		return Account{}, err
	}
	if got := d.text("Id"); got == "" || id != "" && got != id {
		return Account{}, unexpected(method, p, "the answer is not that account")
	}
	return newAccount(d), nil
}

// CountAccounts returns how many SSH key pair accounts a space has.
func (c *Client) CountAccounts(ctx context.Context, space string) (int, error) {
	query := url.Values{"accountType": {TypeSSHKeyPair}}
	docs, err := all(ctx, c, path{space, "accounts"}, query, func(d document) string { return d.text("Id") })
	return len(docs), err
}
