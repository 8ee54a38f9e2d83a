package scalingo

import (
	"context"
	"errors"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/scalingo"
)

// APIToken is an API token of the account, which has every right of it and no end. Whoever holds a key there can
// make one.
type APIToken struct {
	ID         string
	Name       string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero for never
	Removable  bool      // it surely is not the one that the bot uses
}

// Tokens returns all API tokens of a place. While it is not known which of them the bot uses, none is removable;
// it may take some seconds to find out.
func (t *Target) Tokens(ctx context.Context, place string) ([]APIToken, error) {
	if err := t.at(ctx, "list API tokens", place); err != nil {
		return nil, err
	}
	own, err := t.Client.OwnToken(ctx)
	if err != nil && !errors.Is(err, scalingo.ErrOwnTokenUnknown) {
		return nil, failure("list API tokens", err)
	}
	list, err := t.Client.APITokens(ctx)
	if err != nil {
		return nil, failure("list API tokens", err)
	}
	known := hasToken(list, own)
	tokens := make([]APIToken, len(list))
	for i, k := range list {
		tokens[i] = APIToken{
			ID: k.ID, Name: access.CleanText(k.Name), CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, Removable: known && k.ID != own,
		}
	}
	return tokens, nil
}

func hasToken(list []scalingo.APIToken, id string) bool {
	return slices.ContainsFunc(list, func(k scalingo.APIToken) bool { return k.ID == id })
}

// RemoveToken deletes an API token. The error has code NotFound if the place has none with that ID, and Forbidden
// if it is not removable now, whatever it was when it was shown.
func (t *Target) RemoveToken(ctx context.Context, place, id string) error {
	tokens, err := t.Tokens(ctx, place)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tokens, func(k APIToken) bool { return k.ID == id })
	switch {
	case i < 0:
		return &access.Error{Code: access.NotFound, Op: "remove API token", Message: "Scalingo has no such API token any more."}
	case !tokens[i].Removable:
		return &access.Error{Code: access.Forbidden, Op: "remove API token", Message: "This may be the API token that I use myself, so I do not remove it."}
	}
	if err = t.Client.DeleteAPIToken(ctx, id); !scalingo.IsNotFound(err) {
		return failed("remove API token", err)
	}
	left, listErr := t.Client.APITokens(ctx)
	return missing("remove API token", err, hasToken(left, id), listErr)
}
