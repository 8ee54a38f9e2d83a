package octopus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

const (
	pageSize = 100
	maxReads = 3 // how often a list is read that changes meanwhile
)

// ListError is returned for a list that could not be read completely: what was collected differs from the total
// that Octopus states, usually because the list changed meanwhile.
type ListError struct {
	Op        string
	Got, Want int // different items collected, and Octopus's total
}

func (e *ListError) Error() string {
	return fmt.Sprintf("octopus: %s: collected %d items of %d", e.Op, e.Got, e.Want)
}

type page[T any] struct {
	Items        []T
	TotalResults *int
}

// all returns the items of a list, told apart by id, or an error: never a part of them. A list that changes while
// it is read is read again.
func all[T any](ctx context.Context, c *Client, p path, query url.Values, id func(T) string) ([]T, error) {
	for try := 1; ; try++ {
		items, err := readAll(ctx, c, p, query, id)
		var changed *ListError
		if !errors.As(err, &changed) || try == maxReads {
			return items, err
		}
	}
}

func readAll[T any](ctx context.Context, c *Client, p path, query url.Values, id func(T) string) ([]T, error) {
	var items []T
	seen, total := map[string]bool{}, 0
	for skip := 0; ; {
		got, err := readPage(ctx, c, p, query, skip, id)
		if err != nil {
			return nil, err
		}
		for _, item := range got.Items {
			if !seen[id(item)] {
				seen[id(item)] = true
				items = append(items, item)
			}
		}
		if skip == 0 {
			total = *got.TotalResults
		}
		skip += len(got.Items)
		switch {
		case *got.TotalResults != total, len(got.Items) == 0 && skip < total:
			return nil, &ListError{"GET " + p.String(), len(items), total}
		case skip >= total && len(items) != total:
			return nil, &ListError{"GET " + p.String(), len(items), total}
		case skip >= total:
			return items, nil
		}
	}
}

// readPage returns the page after skip items, whose items all have an id.
func readPage[T any](ctx context.Context, c *Client, p path, query url.Values, skip int, id func(T) string) (page[T], error) {
	var got page[T]
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	query.Set("skip", strconv.Itoa(skip))
	query.Set("take", strconv.Itoa(pageSize))
	if err := c.get(ctx, p, query, &got); err != nil {
		return got, err
	}
	if got.Items == nil || got.TotalResults == nil {
		return got, unexpected(http.MethodGet, p, "the answer is not a page of a list")
	}
	for _, item := range got.Items {
		if id(item) == "" {
			return got, unexpected(http.MethodGet, p, "an item of the list has no id")
		}
	}
	return got, nil
}

// one returns the single thing found, or a [*LookupError].
func one[T any](kind, name string, found []T) (T, error) {
	if len(found) != 1 {
		var none T
		return none, &LookupError{Kind: kind, Name: short(name), Found: len(found)}
	}
	return found[0], nil
}
