package scalingo

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// row is an item of a list.
type row interface{ id() string }

// list reads a list whole, or returns an error. The rows stand under the given name.
func list[T row](ctx context.Context, c *Client, r request, name string) ([]T, error) {
	var members map[string]json.RawMessage
	if err := c.call(ctx, r, nil, &members); err != nil {
		return nil, err
	}
	if hasPages(members["meta"]) {
		return nil, &Error{Op: r.op, Status: http.StatusOK, Message: "the list has pages, so it may not be whole", Err: ErrPaginated}
	}
	var rows []T
	if json.Unmarshal(members[name], &rows) != nil || rows == nil {
		return nil, r.unexpected(http.StatusOK, "the answer holds no list")
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if id := row.id(); !validID(id) || seen[id] {
			return nil, r.unexpected(http.StatusOK, "an item of the list has no id of its own")
		}
		seen[row.id()] = true
	}
	return rows, nil
}

// hasPages reports whether what a list says about itself speaks of pages, or cannot be read.
func hasPages(raw json.RawMessage) bool {
	var meta struct {
		Pagination json.RawMessage `json:"pagination"`
	}
	if len(raw) == 0 {
		return false
	}
	pages := json.Unmarshal(raw, &meta) != nil || len(meta.Pagination) > 0
	return pages && !bytes.Equal(meta.Pagination, []byte("null"))
}
