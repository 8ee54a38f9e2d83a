package octopussim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// item is one entry of a list. The doc is what is shown of it.
type item struct {
	id, name string
	doc      map[string]any
}

func items[T interface{ item() item }](things []T) []item {
	list := make([]item, len(things))
	for i, thing := range things {
		list[i] = thing.item()
	}
	return list
}

const defaultTake = 30 // of Octopus's own client for TypeScript

// list returns the page of the items that a call asks for: those whose name has a part, or that have one of some ids.
func (s *Server) list(r request, all []item) answer {
	ids, part := words(r.query, "ids"), strings.ToLower(r.query.Get("partialName"))
	all = slices.DeleteFunc(all, func(i item) bool {
		return len(ids) > 0 && !slices.Contains(ids, i.id) || !strings.Contains(strings.ToLower(i.name), part)
	})
	skip := min(number(r.query, "skip", 0), len(all))
	take := min(number(r.query, "take", defaultTake), s.options.MaxPage)
	page := []map[string]any{}
	for _, i := range all[skip:min(skip+take, len(all))] {
		page = append(page, i.doc)
	}
	return found(map[string]any{
		"ItemType": string(r.op), "TotalResults": len(all), "ItemsPerPage": take, "NumberOfPages": max(1, (len(all)+take-1)/take),
		"Items": page, "Links": map[string]string{},
	})
}

// number returns a parameter that is a positive number.
func number(q url.Values, name string, otherwise int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

// words returns the parts of a parameter with commas, or nil.
func words(q url.Values, name string) []string {
	if q.Get(name) == "" {
		return nil
	}
	return strings.Split(q.Get(name), ",")
}
