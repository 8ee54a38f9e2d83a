package scalingo

import (
	"context"
	"net/http"
)

// Account is a user of Scalingo, whose token the client has. Its e-mail address is not read.
type Account struct {
	ID       string
	Username string
}

// Self returns the account that the API token belongs to.
func (c *Client) Self(ctx context.Context) (Account, error) {
	var out struct {
		User struct {
			ID       string `json:"id"`
			Username string `json:"username"`
		} `json:"user"`
	}
	r := request{op: "read account", method: http.MethodGet, path: "/v1/users/self"}
	if err := c.call(ctx, r, nil, &out); err != nil {
		return Account{}, err
	}
	if out.User.ID == "" {
		return Account{}, r.unexpected(http.StatusOK, "the answer has no id")
	}
	return Account{ID: out.User.ID, Username: out.User.Username}, nil
}
