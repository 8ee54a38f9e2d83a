package runcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"
)

// Server is a server of the workspace.
type Server struct {
	ID             int64
	Name           string
	IPAddress      string
	Provider       string
	Connected      bool // its agent was installed once
	Online         bool // its agent answers now
	Tags           []string
	TransferStatus string // other than AVAILABLE while it is being handed to another account
	CreatedAt      time.Time
}

// UnmarshalJSON reads RunCloud's form. Numbers may be strings, and tags texts or objects.
func (s *Server) UnmarshalJSON(raw []byte) error {
	var w struct {
		ID             number    `json:"id"`
		Name           string    `json:"name"`
		IPAddress      string    `json:"ipAddress"`
		Provider       string    `json:"provider"`
		Connected      flag      `json:"connected"`
		Online         flag      `json:"online"`
		Tags           names     `json:"tags"`
		TransferStatus string    `json:"transferStatus"`
		CreatedAt      timestamp `json:"created_at"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*s = Server{
		ID: int64(w.ID), Name: w.Name, IPAddress: w.IPAddress, Provider: w.Provider,
		Connected: bool(w.Connected), Online: bool(w.Online), Tags: w.Tags,
		TransferStatus: w.TransferStatus, CreatedAt: time.Time(w.CreatedAt),
	}
	return nil
}

// ServerListOpts chooses how servers are listed.
type ServerListOpts struct {
	PerPage int // 1 to 40; 0 is 40
}

// Servers yields the servers of the workspace as their pages arrive, each once. If their number
// differs from RunCloud's total, the last thing yielded is a [*ListError].
func (c *Client) Servers(ctx context.Context, opts ServerListOpts) iter.Seq2[Server, error] {
	perPage := opts.PerPage
	if perPage <= 0 || perPage > MaxPerPage {
		perPage = MaxPerPage
	}
	return list(ctx, c, "/servers", perPage, serverID)
}

// AllServers returns all servers of the workspace, or an error: never a part of them. A list that
// changes while it is read is read again twice; if it goes on changing, the error is a [*ListError].
func (c *Client) AllServers(ctx context.Context) ([]Server, error) {
	return all(ctx, c, "/servers", serverID)
}

// Server returns one server; see [IsNotFound].
func (c *Client) Server(ctx context.Context, id int64) (Server, error) {
	path := fmt.Sprintf("/servers/%d", id)
	return one(ctx, c, http.MethodGet, path, nil, serverID)
}

func serverID(s Server) int64 { return s.ID }

// one makes a call whose answer is a single object, and refuses an answer without an id.
func one[T any](ctx context.Context, c *Client, method, path string, in any, id func(T) int64) (T, error) {
	var v, zero T
	if err := c.call(ctx, method, path, nil, in, &v); err != nil {
		return zero, err
	}
	if id(v) == 0 {
		return zero, c.unexpected(method, path, http.StatusOK, "the answer has no id")
	}
	return v, nil
}
