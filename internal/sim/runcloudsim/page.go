package runcloudsim

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// How long a page is, and may be (RunCloud API v3 list pages); larger wishes are clamped.
const (
	perPageDefault = 15
	perPageMax     = 40
)

type listJSON struct {
	Data any      `json:"data"`
	Meta metaJSON `json:"meta"`
}

type metaJSON struct {
	Pagination paginationJSON `json:"pagination"`
}

type paginationJSON struct {
	Total       int               `json:"total"`
	Count       int               `json:"count"`
	PerPage     int               `json:"per_page"`
	CurrentPage int               `json:"current_page"`
	TotalPages  int               `json:"total_pages"`
	Links       map[string]string `json:"links"`
}

func positive(q url.Values, name string, otherwise int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

// list returns the page of the items that a call asks for, newest first as in RunCloud's examples. A
// shift moves every page but the first, as if that many items had gone since, and meta counts them.
func list[T, J any](r request, shift int, ascending []T, toJSON func(T) J) answer {
	page, perPage := positive(r.query, "page", 1), min(positive(r.query, "perPage", perPageDefault), perPageMax)
	from, n := (page-1)*perPage, len(ascending)
	total := n
	if page > 1 {
		from, total = max(0, from+shift), max(0, n-shift)
	}
	data := []J{}
	for i := from; i < min(from+perPage, n); i++ {
		data = append(data, toJSON(ascending[n-1-i]))
	}
	p := paginationJSON{
		Total: total, Count: len(data), PerPage: perPage, CurrentPage: page,
		TotalPages: max(1, (total+perPage-1)/perPage), Links: map[string]string{},
	}
	if page < p.TotalPages {
		// As in RunCloud's examples: another host, and perPage forgotten.
		p.Links["next"] = fmt.Sprintf("https://manage.runcloud.io%s?page=%d", r.path, page+1)
	}
	return jsonAnswer(http.StatusOK, listJSON{data, metaJSON{p}})
}
