package check

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPaging(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pages  []string
		status Status
		says   string
	}{
		"documented":  {[]string{`{"data":[{"id":1},{"id":2}],"meta":{"pagination":{"total":3,"per_page":2,"links":{"next":"https://x.example?page=2"}}}}`, `{"data":[{"id":3}],"meta":{"pagination":{"total":3,"per_page":2,"links":[]}}}`}, OK, "Asked for 40 a page, 2 pages came, with 3 entries. meta.pagination.per_page 2, meta.pagination.total 3. The total agrees."},
		"as reported": {[]string{`{"data":[{"id":1}],"meta":{"total":"1","lastPage":1}}`}, OK, "meta.lastPage 1, meta.total 1. The total agrees."},
		"no total":    {[]string{`{"data":[{"id":1}]}`}, Note, "states no total"},
		"other total": {[]string{`{"data":[{"id":1}],"meta":{"total":2}}`}, Note, "The total is not what came."},
		"empty":       {[]string{`{"data":[],"meta":{"total":0}}`}, OK, "1 page came, with 0 entries."},
		"no list":     {[]string{`[]`, `{"data":{}}`}, Note, "0 pages came"},
	} {
		o := Checker{Now: time.Now}.observe("RunCloud")
		for i, page := range c.pages {
			query := url.Values{"perPage": {"40"}, "page": {string(rune('1' + i))}}
			o.list(&url.URL{Path: "/api/v3/servers", RawQuery: query.Encode()}, []byte(page))
		}
		if f := o.form("servers").paging("pages", "RunCloud"); f.Status != c.status || !strings.Contains(f.Text, c.says) || strings.Contains(f.Text, "example") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
