package runcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// MaxPerPage is how many items the largest page of a list has (RunCloud API v2 intro page).
const MaxPerPage = 40

// maxReads is how often a list is read that changes meanwhile.
const maxReads = 3

// ListError is returned for a list that could not be read completely: what was collected differs from
// what RunCloud states, usually because the list changed meanwhile.
type ListError struct {
	Path string
	Got  int // different items collected
	Want int // RunCloud's total; -1 if it stated none
}

func (e *ListError) Error() string {
	if e.Want < 0 {
		return fmt.Sprintf("runcloud: list %s: incomplete after %d items", e.Path, e.Got)
	}
	return fmt.Sprintf("runcloud: list %s: collected %d items of %d", e.Path, e.Got, e.Want)
}

// page is one page of a list. The documented form of meta has pagination; some answers are reported to
// have the numbers in meta itself.
type page[T any] struct {
	Data []T             `json:"data"`
	Meta json.RawMessage `json:"meta"`
}

type meta struct {
	Pagination struct {
		Total      *number `json:"total"`
		TotalPages *number `json:"total_pages"`
	} `json:"pagination"`
	Total         *number `json:"total"`
	LastPage      *number `json:"lastPage"`
	LastPageSnake *number `json:"last_page"`
}

// extent is what a page says about the whole list; -1 is unknown. It is the same on every page of a list
// that did not change.
type extent struct{ total, pages int }

func (p page[T]) extent() (extent, error) {
	var m meta
	raw := bytes.TrimSpace(p.Meta)
	if len(raw) == 0 || raw[0] != '{' {
		return extent{-1, -1}, nil
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return extent{}, err
	}
	return extent{
		total: firstOf(m.Pagination.Total, m.Total),
		pages: firstOf(m.Pagination.TotalPages, m.LastPage, m.LastPageSnake),
	}, nil
}

func firstOf(numbers ...*number) int {
	for _, n := range numbers {
		if n != nil {
			return int(*n)
		}
	}
	return -1
}

// list yields every item once, told apart by id, and then an error if their number is not the total.
// It ends early with that error when a page states another total than the first: what left the list
// may have drawn others onto pages that were read before, and the numbers would agree all the same.
// Without any number of pages it asks until a page is empty.
func list[T any](ctx context.Context, c *Client, path string, perPage int, id func(T) int64) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		var first extent
		seen := map[int64]bool{}
		for n := 1; ; n++ {
			items, ext, err := readPage[T](ctx, c, path, n, perPage)
			if err != nil {
				yield(zero, err)
				return
			}
			if n == 1 {
				first = ext
			}
			if ext != first {
				yield(zero, &ListError{Path: path, Got: len(seen), Want: first.total})
				return
			}
			before := len(seen)
			for _, item := range items {
				key := id(item)
				if key == 0 {
					yield(zero, c.unexpected(http.MethodGet, path, http.StatusOK, "an item of the list has no id"))
					return
				}
				if !seen[key] {
					seen[key] = true
					if !yield(item, nil) {
						return
					}
				}
			}
			if done, err := ext.end(path, n, len(items), before, len(seen)); done {
				if err != nil {
					yield(zero, err)
				}
				return
			}
		}
	}
}

// end reports whether page n, with so many items, was the last. The error is that of a list which is not
// complete then.
func (x extent) end(path string, n, items, before, seen int) (bool, error) {
	switch {
	case x.pages >= 0 && n < x.pages, x.pages < 0 && items > 0 && seen > before:
		return false, nil
	case x.pages < 0 && items > 0:
		return true, &ListError{Path: path, Got: seen, Want: -1}
	case x.total >= 0 && x.total != seen:
		return true, &ListError{Path: path, Got: seen, Want: x.total}
	}
	return true, nil
}

func readPage[T any](ctx context.Context, c *Client, path string, n, perPage int) ([]T, extent, error) {
	var p page[T]
	query := url.Values{"page": {strconv.Itoa(n)}, "perPage": {strconv.Itoa(perPage)}}
	if err := c.call(ctx, http.MethodGet, path, query, nil, &p); err != nil {
		return nil, extent{}, err
	}
	ext, err := p.extent()
	if err != nil || p.Data == nil {
		return nil, extent{}, c.unexpected(http.MethodGet, path, http.StatusOK, "the answer is not a page of a list")
	}
	return p.Data, ext, nil
}

// all collects a list, and reads it again if it changed meanwhile.
func all[T any](ctx context.Context, c *Client, path string, id func(T) int64) ([]T, error) {
	for try := 1; ; try++ {
		items, err := collect(list(ctx, c, path, MaxPerPage, id))
		var changed *ListError
		if !errors.As(err, &changed) || try == maxReads {
			return items, err
		}
	}
}

func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var items []T
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}
