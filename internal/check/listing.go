package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// listing is the form of a list that a service has sent: numbers and names of fields, and no content.
type listing struct {
	asked   string // how many entries a page
	pages   int
	entries int
	fields  map[string]bool   // of the entries
	numbers map[string]string // of the last page, by their path in it
}

// list keeps the form of a list. The caller holds mu.
func (o *observer) list(from *url.URL, body []byte) {
	var answer map[string]json.RawMessage
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	for _, raw := range answer {
		var entries []map[string]json.RawMessage
		if json.Unmarshal(raw, &entries) != nil || entries == nil {
			continue
		}
		query, name := from.Query(), path.Base(from.Path)
		l := o.lists[name]
		if page := query.Get("page"); l == nil || page == "" || page == "1" {
			l = &listing{asked: query.Get("perPage"), fields: map[string]bool{}}
			o.lists[name] = l
		}
		l.pages, l.entries, l.numbers = l.pages+1, l.entries+len(entries), map[string]string{}
		l.count("meta", answer["meta"])
		for _, entry := range entries {
			for field := range entry {
				l.fields[field] = true
			}
		}
	}
}

// count keeps the numbers in a value, and in what it holds.
func (l *listing) count(at string, raw json.RawMessage) {
	var inside map[string]json.RawMessage
	if json.Unmarshal(raw, &inside) == nil {
		for name, value := range inside {
			l.count(at+"."+name, value)
		}
		return
	}
	if text := strings.Trim(string(raw), `"`); len(text) < 12 {
		if _, err := strconv.Atoi(text); err == nil {
			l.numbers[at] = text
		}
	}
}

// form is the form of the list of that name.
func (o *observer) form(name string) listing {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l := o.lists[name]; l != nil {
		return *l
	}
	return listing{}
}

// has reports whether a number whose path ends like this is among those of the last page, and which it is.
func (l listing) has(name string) (string, bool) {
	for at, value := range l.numbers {
		if strings.HasSuffix(at, "."+name) {
			return value, true
		}
	}
	return "", false
}

// paging says how the list came in pages, and whether its total agrees with it.
func (l listing) paging(name, whose string) Finding {
	text := fmt.Sprintf("Asked for %s a page, %s came, with %s.", l.asked, count(l.pages, "page"), count(l.entries, "entry"))
	for _, at := range slices.Sorted(maps.Keys(l.numbers)) {
		text += " " + at + " " + l.numbers[at] + ","
	}
	text = strings.TrimSuffix(text, ",")
	switch total, stated := l.has("total"); {
	case !stated:
		return note(name, text+". "+whose+" states no total, so that a list is whole cannot be seen.")
	case total != strconv.Itoa(l.entries):
		return note(name, text+". The total is not what came.")
	}
	return ok(name, text+". The total agrees.")
}

// names returns the names of the fields of the entries.
func (l listing) names() string { return strings.Join(slices.Sorted(maps.Keys(l.fields)), ", ") }
