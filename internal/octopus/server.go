package octopus

import (
	"context"
	"net/http"
)

// ServerInfo is what a server says of itself to everybody.
type ServerInfo struct {
	Version string // as Octopus writes it; see [ParseVersion]
}

// Server returns what the server says of itself. It succeeds with any API key, so it does not show that the key
// is good; see [Client.Me].
func (c *Client) Server(ctx context.Context) (ServerInfo, error) {
	var w struct{ Version string }
	if err := c.get(ctx, nil, nil, &w); err != nil {
		return ServerInfo{}, err
	}
	if w.Version == "" {
		return ServerInfo{}, unexpected(http.MethodGet, nil, "the answer has no version: this may be no Octopus server")
	}
	return ServerInfo(w), nil
}

// User is who an API key belongs to.
type User struct {
	ID        string
	Username  string
	IsService bool // it is a service account, which nobody can sign in to the portal with
}

// Me returns the user of the API key. The address is the one that Octopus's own clients for Go and TypeScript use.
func (c *Client) Me(ctx context.Context) (User, error) {
	var w struct {
		ID        string `json:"Id"`
		Username  string
		IsService bool
	}
	p := path{"users", "me"}
	if err := c.get(ctx, p, nil, &w); err != nil {
		return User{}, err
	}
	if w.ID == "" {
		return User{}, unexpected(http.MethodGet, p, "the answer has no id")
	}
	return User(w), nil
}
