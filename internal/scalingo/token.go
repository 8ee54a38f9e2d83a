package scalingo

import (
	"context"
	"net/http"
	"time"
)

// APIToken is a token of the account, without the token itself. It has every right of the account and no end.
type APIToken struct {
	ID         string
	Name       string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero for never
}

type tokenJSON struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	CreatedAt  timestamp `json:"created_at"`
	LastUsedAt timestamp `json:"last_used_at"`
}

func (t tokenJSON) id() string { return t.ID }

const tokensPath = "/v1/tokens"

// APITokens returns all API tokens of the account, or an error: never a part of them. Which of them is that of
// the client is not in it; see [Client.OwnToken].
func (c *Client) APITokens(ctx context.Context) ([]APIToken, error) {
	r := request{op: "list API tokens", method: http.MethodGet, path: tokensPath}
	rows, err := list[tokenJSON](ctx, c, r, "tokens")
	if err != nil {
		return nil, err
	}
	tokens := make([]APIToken, len(rows))
	for i, row := range rows {
		tokens[i] = APIToken{ID: row.ID, Name: row.Name, CreatedAt: time.Time(row.CreatedAt), LastUsedAt: time.Time(row.LastUsedAt)}
	}
	return tokens, nil
}

// DeleteAPIToken deletes an API token. What was exchanged for it stays good until its own end. A nil error means
// that Scalingo confirmed it; [IsNotFound] means that it was gone already.
func (c *Client) DeleteAPIToken(ctx context.Context, id string) error {
	return c.delete(ctx, "delete API token", tokensPath, id)
}
