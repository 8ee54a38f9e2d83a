package runcloudsim

import (
	"fmt"
	"net/url"
	"strconv"
)

type listJSON struct {
	Data any `json:"data"`
	Meta any `json:"meta,omitempty"`
}

type paginationJSON struct {
	Total       int `json:"total"`
	Count       int `json:"count"`
	PerPage     int `json:"per_page"`
	CurrentPage int `json:"current_page"`
	TotalPages  int `json:"total_pages"`
	Links       any `json:"links"`
}

type lastPageJSON struct {
	CurrentPage int `json:"currentPage"`
	LastPage    int `json:"lastPage"`
	PerPage     int `json:"perPage"`
	Total       int `json:"total"`
}

// window is the part of a list that a call asks for.
type window struct {
	page, perPage, shift int
	path                 string
}

func (a *Account) window(r request, shift int) window {
	perPage := min(positive(r.query, "perPage", a.perPageDefault), a.perPageMax)
	return window{page: positive(r.query, "page", 1), perPage: perPage, shift: shift, path: r.path}
}

func positive(q url.Values, name string, def int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 {
		return def
	}
	return n
}

// cutPage returns the window of items, newest first as in RunCloud's examples; a shift moves every page
// but the first, as if items had come or gone since, and meta counts them.
func cutPage[T any](w window, ascending []T) []T {
	from, n := (w.page-1)*w.perPage, len(ascending)
	if w.page > 1 {
		from = max(0, from+w.shift)
	}
	out := []T{}
	for i := from; i < min(from+w.perPage, n); i++ {
		out = append(out, ascending[n-1-i])
	}
	return out
}

func (a *Account) meta(w window, count, total int) any {
	if w.page > 1 {
		total = max(0, total-w.shift)
	}
	pages := max(1, (total+w.perPage-1)/w.perPage)
	switch a.rules.Pages {
	case PageLastPage:
		return lastPageJSON{w.page, pages, w.perPage, total}
	case PageNone:
		return nil
	}
	p := paginationJSON{Total: total, Count: count, PerPage: w.perPage, CurrentPage: w.page, TotalPages: pages, Links: map[string]string{}}
	if a.rules.EmptyLinksArray {
		p.Links = []string{}
	}
	if w.page < pages {
		// As in RunCloud's examples: another host, and perPage forgotten.
		p.Links = map[string]string{"next": fmt.Sprintf("https://manage.runcloud.io%s?page=%d", w.path, w.page+1)}
	}
	return map[string]paginationJSON{"pagination": p}
}

// list answers with one page of items in the form that toJSON gives them.
func list[T, J any](a *Account, w window, ascending []T, toJSON func(T) J) answer {
	data := []J{}
	for _, item := range cutPage(w, ascending) {
		data = append(data, toJSON(item))
	}
	return jsonAnswer(200, listJSON{Data: data, Meta: a.meta(w, len(data), len(ascending))})
}
