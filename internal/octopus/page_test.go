package octopus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
)

// shelf serves machines 1 to total in pages, the way the tests want it.
type shelf struct {
	total   int
	clamp   int // most items of a page
	reads   int // of the first page
	respond func(read, skip int, ids []int) []int
}

func (s *shelf) serve(w http.ResponseWriter, r *http.Request) {
	skip, _ := strconv.Atoi(r.URL.Query().Get("skip"))
	take, _ := strconv.Atoi(r.URL.Query().Get("take"))
	if skip == 0 {
		s.reads++
	}
	ids := []int{}
	for id := skip + 1; id <= min(skip+min(take, s.clamp), s.total); id++ {
		ids = append(ids, id)
	}
	if s.respond != nil {
		ids = s.respond(s.reads, skip, ids)
	}
	items := []map[string]any{}
	for _, id := range ids {
		items = append(items, map[string]any{"Id": fmt.Sprint("Machines-", id)})
	}
	raw, _ := json.Marshal(map[string]any{"Items": items, "TotalResults": s.total, "ItemsPerPage": s.clamp})
	_, _ = w.Write(raw)
}

func TestEveryPageIsRead(t *testing.T) {
	t.Parallel()
	for _, total := range []int{0, 1, 99, 100, 101, 250} {
		for _, clamp := range []int{100, 30} {
			s := &shelf{total: total, clamp: clamp}
			got, err := served(t, s.serve).Machines(t.Context(), "Spaces-1")
			if err != nil || len(got) != total || s.reads != 1 {
				t.Fatalf("%d machines of %d in %d readings, %v", len(got), total, s.reads, err)
			}
			for i, m := range got {
				if m.ID != fmt.Sprint("Machines-", i+1) {
					t.Errorf("item %d is %s", i, m.ID)
				}
			}
		}
	}
}

// A machine that moves to an earlier page while the list is read is missed once; the second reading finds it.
func TestChangedListIsReadAgain(t *testing.T) {
	t.Parallel()
	s := &shelf{total: 150, clamp: 100}
	s.respond = func(read, skip int, ids []int) []int {
		if read == 1 && skip == 100 {
			return append([]int{100}, ids[:49]...)
		}
		return ids
	}
	got, err := served(t, s.serve).Machines(t.Context(), "Spaces-1")
	if err != nil || len(got) != 150 || s.reads != 2 {
		t.Errorf("%d machines in %d readings, err %v", len(got), s.reads, err)
	}
}

func TestListThatStaysShortIsAnError(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]func(read, skip int, ids []int) []int{
		"an empty page": func(_, skip int, ids []int) []int { return ids[:min(len(ids), 100-skip)] },
		"a page twice":  func(int, int, []int) []int { return []int{1, 2, 3} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{total: 150, clamp: 100, respond: drop}
			got, err := served(t, s.serve).Machines(t.Context(), "Spaces-1")
			var list *ListError
			if !errors.As(err, &list) || got != nil || list.Want != 150 || s.reads != maxReads {
				t.Errorf("%d machines in %d readings, err %v", len(got), s.reads, err)
			}
		})
	}
}

// A list that shrinks between two pages draws machines onto pages that were read before.
func TestTotalThatChangesIsReadAgain(t *testing.T) {
	t.Parallel()
	s := &shelf{total: 150, clamp: 100}
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("skip") != "0" {
			s.total = 149
		}
		s.serve(w, r)
	})
	got, err := c.Machines(t.Context(), "Spaces-1")
	if err != nil || len(got) != 149 || s.reads != 2 {
		t.Errorf("%d machines in %d readings, err %v", len(got), s.reads, err)
	}
}

func TestBrokenPages(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `[]`, `{"Items":null,"TotalResults":0}`, `{"Items":[]}`, `{"Items":{},"TotalResults":1}`, `{"Items":[{"Name":"x"}],"TotalResults":1}`,
		`{"Items":["x"],"TotalResults":1}`, `{"Items":[],"TotalResults":"many"}`, `<html>`, ``,
	} {
		got, err := scripted(canned(200, body, nil)).Machines(t.Context(), "Spaces-1")
		if err == nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}

func TestFailedPageFailsTheList(t *testing.T) {
	t.Parallel()
	s := &shelf{total: 150, clamp: 100}
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("skip") == "100" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{}`))
			return
		}
		s.serve(w, r)
	})
	if got, err := c.Machines(t.Context(), "Spaces-1"); got != nil || !IsForbidden(err) {
		t.Errorf("%d machines, err %v", len(got), err)
	}
}
