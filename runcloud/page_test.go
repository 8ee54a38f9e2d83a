package runcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
)

// shelf serves servers 1 to total in pages, the way the tests want it.
type shelf struct {
	total   int
	clamp   int // most items of a page
	meta    func(total, pages, page int) string
	reads   int // of the first page
	respond func(read, page int, ids []int) []int
}

func (s *shelf) serve(w http.ResponseWriter, r *http.Request) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	per, _ := strconv.Atoi(r.URL.Query().Get("perPage"))
	per = min(per, s.clamp)
	if page == 1 {
		s.reads++
	}
	var ids []int
	for id := (page-1)*per + 1; id <= min(page*per, s.total); id++ {
		ids = append(ids, id)
	}
	if s.respond != nil {
		ids = s.respond(s.reads, page, ids)
	}
	items := []map[string]any{}
	for _, id := range ids {
		items = append(items, map[string]any{"id": id, "name": fmt.Sprint("web-", id)})
	}
	data, _ := json.Marshal(items)
	pages := (s.total + per - 1) / per
	_, _ = fmt.Fprintf(w, `{"data":%s,"meta":%s}`, data, s.meta(s.total, pages, page))
}

func documented(total, pages, page int) string {
	links := `{"next":"http://127.0.0.1:1/never?page=2"}`
	if page >= pages {
		links = "[]"
	}
	return fmt.Sprintf(`{"pagination":{"total":%d,"per_page":40,"current_page":%d,"total_pages":%d,"links":%s}}`, total, page, pages, links)
}

func reported(total, pages, page int) string {
	return fmt.Sprintf(`{"total":"%d","currentPage":%d,"lastPage":"%d"}`, total, page, pages)
}

func none(int, int, int) string { return `{}` }

func ids(servers []Server) []int64 {
	var out []int64
	for _, s := range servers {
		out = append(out, s.ID)
	}
	return out
}

func TestEveryPageIsRead(t *testing.T) {
	t.Parallel()
	metas := map[string]func(int, int, int) string{
		"documented": documented, "reported": reported, "none": none,
		"null":         func(int, int, int) string { return "null" },
		"list":         func(int, int, int) string { return "[]" },
		"no total":     func(_, pages, _ int) string { return fmt.Sprintf(`{"last_page":%d}`, pages) },
		"only a total": func(total, _, _ int) string { return fmt.Sprintf(`{"total":%d}`, total) },
	}
	for name, meta := range metas {
		for _, total := range []int{0, 1, 39, 40, 41, 80, 97} {
			for _, clamp := range []int{40, 15} {
				t.Run(fmt.Sprint(name, " ", total, " by ", clamp), func(t *testing.T) {
					t.Parallel()
					s := &shelf{total: total, clamp: clamp, meta: meta}
					got, err := served(t, s.serve).AllServers(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for i, id := range ids(got) {
						if id != int64(i+1) {
							t.Fatalf("item %d is server %d", i, id)
						}
					}
					if len(got) != total || s.reads != 1 {
						t.Errorf("%d servers of %d in %d readings", len(got), total, s.reads)
					}
				})
			}
		}
	}
}

// A server that moves to an earlier page while the list is read is missed once; the second reading
// finds it.
func TestChangedListIsReadAgain(t *testing.T) {
	t.Parallel()
	s := &shelf{total: 50, clamp: 40, meta: documented}
	s.respond = func(read, page int, ids []int) []int {
		if read == 1 && page == 2 {
			return ids[1:]
		}
		return ids
	}
	got, err := served(t, s.serve).AllServers(t.Context())
	if err != nil || len(got) != 50 || s.reads != 2 {
		t.Errorf("%d servers in %d readings, err %v", len(got), s.reads, err)
	}
}

// A server leaves the first page once that is read, and draws the first of the second page onto it. What
// was collected is as many as there are now, with one that is gone and without one that is there.
func TestListThatShrinksIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, meta := range map[string]func(int, int, int) string{"documented": documented, "reported": reported} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{total: 80, clamp: 40, meta: meta}
			s.respond = func(read, page int, ids []int) []int {
				for i, id := range ids {
					if id >= 5 && (read > 1 || page > 1) {
						ids[i]++
					}
				}
				return ids
			}
			c := served(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("page") == "2" {
					s.total = 79
				}
				s.serve(w, r)
			})
			got, err := c.AllServers(t.Context())
			want := append([]int64{1, 2, 3, 4}, sequence(6, 80)...)
			if err != nil || !slices.Equal(ids(got), want) || s.reads != 2 {
				t.Errorf("%v in %d readings, err %v", ids(got), s.reads, err)
			}
		})
	}
}

func sequence(from, to int64) (out []int64) {
	for id := from; id <= to; id++ {
		out = append(out, id)
	}
	return out
}

func TestRepeatedItemsCountOnce(t *testing.T) {
	t.Parallel()
	s := &shelf{total: 50, clamp: 40, meta: documented}
	s.respond = func(_, page int, ids []int) []int {
		if page == 2 {
			return append([]int{39, 40}, ids...)
		}
		return ids
	}
	got, err := served(t, s.serve).AllServers(t.Context())
	if err != nil || len(got) != 50 {
		t.Errorf("%d servers, err %v", len(got), err)
	}
}

func TestListThatStaysShortIsAnError(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]func(read, page int, ids []int) []int{
		"one missing": func(_, page int, ids []int) []int { return ids[:len(ids)-page+1] },
		"empty page":  func(_, page int, ids []int) []int { return ids[:len(ids)*(2-page)] },
		"page twice":  func(_, page int, ids []int) []int { return []int{1, 2, 3} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{total: 50, clamp: 40, meta: documented, respond: drop}
			c := served(t, s.serve)
			got, err := c.AllServers(t.Context())
			var list *ListError
			if !errors.As(err, &list) || got != nil || list.Want != 50 || s.reads != maxReads {
				t.Errorf("%d servers in %d readings, err %v", len(got), s.reads, err)
			}
			last := error(nil)
			for _, err := range c.Servers(t.Context(), ServerListOpts{}) {
				last = err
			}
			if !errors.As(last, &list) {
				t.Errorf("the iterator ended with %v", last)
			}
		})
	}
}

// Without any number of pages a server that ignores "page" would be read for ever.
func TestEndlessListIsAnError(t *testing.T) {
	t.Parallel()
	s := &shelf{total: 3, clamp: 40, meta: none, respond: func(int, int, []int) []int { return []int{1, 2, 3} }}
	_, err := served(t, s.serve).AllServers(t.Context())
	var list *ListError
	if !errors.As(err, &list) || list.Want != -1 || list.Got != 3 {
		t.Errorf("err %v", err)
	}
}

func TestBrokenPages(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `[]`, `{"message":"ok"}`, `{"data":null}`, `{"data":{}}`, `{"data":[{"name":"x"}]}`, `{"data":["x"]}`,
		`{"data":[],"meta":{"total":"many"}}`, `{"data":[{"id":"x"}]}`, `<html>`, ``,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			got, err := answering(t, "GET /servers", body).AllServers(t.Context())
			if err == nil || len(got) != 0 || !isTemporary(err) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestFailedPageFailsTheList(t *testing.T) {
	t.Parallel()
	s := &shelf{total: 90, clamp: 40, meta: documented}
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "3" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{}`))
			return
		}
		s.serve(w, r)
	})
	if got, err := c.AllServers(t.Context()); got != nil || !IsForbidden(err) {
		t.Errorf("%d servers, err %v", len(got), err)
	}
}

func TestIteratorStopsAsking(t *testing.T) {
	t.Parallel()
	var pages []string
	s := &shelf{total: 90, clamp: 40, meta: documented}
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		pages = append(pages, r.URL.Query().Get("page")+"/"+r.URL.Query().Get("perPage"))
		s.serve(w, r)
	})
	for server, err := range c.Servers(t.Context(), ServerListOpts{PerPage: 10}) {
		if err != nil || server.ID == 12 {
			break
		}
	}
	for range c.Servers(t.Context(), ServerListOpts{PerPage: 99}) {
		break
	}
	if want := []string{"1/10", "2/10", "1/40"}; !slices.Equal(pages, want) {
		t.Errorf("pages %v, want %v", pages, want)
	}
}
