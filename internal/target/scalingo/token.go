package scalingo

import (
	"context"
	"errors"
	"slices"
	"strings"

	"sshkeybot/internal/access"
	"sshkeybot/internal/scalingo"
)

// tokenPrefix begins the ids of API tokens, so that none is that of a key: Scalingo's ids are UUIDs, or 24
// hexadecimal digits.
const tokenPrefix = "token:"

const (
	opList   = "list API tokens"
	opRemove = "remove API token"
)

// Lending implements access.Lender. That a key lets its holder make API tokens is known from Scalingo's own
// command line, which does so.
func (t *Target) Lending() (string, error) {
	const means = "Whoever holds a key of this Scalingo account can act as the account on all of its apps, and can make API tokens " +
		"for it, which have no end and outlive the key."
	if t.Grants {
		return means, nil
	}
	return means, &access.Error{
		Code: access.Forbidden, Op: "lend account",
		Message: "Lending the Scalingo account is turned off. Whoever operates me turns it on with SCALINGO_GRANTS=true.",
	}
}

// Tokens implements access.Lender. While it is not known which of the tokens the bot uses, all are Fixed; it may
// take some seconds to find out.
func (t *Target) Tokens(ctx context.Context, place string) ([]access.Credential, error) {
	if err := t.at(ctx, opList, place); err != nil {
		return nil, err
	}
	own, err := t.Client.OwnToken(ctx)
	if err != nil && !errors.Is(err, scalingo.ErrOwnTokenUnknown) {
		return nil, failure(opList, err)
	}
	list, err := t.Client.APITokens(ctx)
	if err != nil {
		return nil, failure(opList, err)
	}
	known := hasToken(list, own)
	tokens := make([]access.Credential, len(list))
	for i, k := range list {
		tokens[i] = access.Credential{
			ID: tokenPrefix + k.ID, Label: access.CleanText(k.Name), CreatedAt: k.CreatedAt,
			Token: true, UsedAt: k.LastUsedAt, Fixed: !known || k.ID == own,
		}
	}
	return tokens, nil
}

func hasToken(list []scalingo.APIToken, id string) bool {
	return slices.ContainsFunc(list, func(k scalingo.APIToken) bool { return k.ID == id })
}

// removeToken deletes the API token of an id that Tokens returned. The error has code Forbidden if it is Fixed
// now, whatever it was when it was shown.
func (t *Target) removeToken(ctx context.Context, place, credential string) error {
	tokens, err := t.Tokens(ctx, place)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tokens, func(k access.Credential) bool { return k.ID == credential })
	switch {
	case i < 0:
		return &access.Error{Code: access.NotFound, Op: opRemove, Message: "Scalingo has no such API token any more."}
	case tokens[i].Fixed:
		return &access.Error{Code: access.Forbidden, Op: opRemove, Message: "This may be the API token that I use myself, so I do not remove it."}
	}
	id := strings.TrimPrefix(credential, tokenPrefix)
	if err = t.Client.DeleteAPIToken(ctx, id); !scalingo.IsNotFound(err) {
		return failed(opRemove, err)
	}
	left, listErr := t.Client.APITokens(ctx)
	return missing(opRemove, err, hasToken(left, id), listErr)
}
