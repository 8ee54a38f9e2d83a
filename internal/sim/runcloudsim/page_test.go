package runcloudsim

import (
	"fmt"
	"slices"
	"testing"
)

// pageOf reads one page of the servers and returns its ids and its meta.
func (b *bench) pageOf(query string) (ids []int64, meta map[string]any) {
	b.t.Helper()
	type page struct {
		Data []struct {
			ID int64 `json:"id"`
		}
		Meta map[string]any
	}
	p := decode[page](b.t, b.want("GET", "/servers"+query, nil, 200, ""))
	for _, s := range p.Data {
		ids = append(ids, s.ID)
	}
	return ids, p.Meta
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	all := b.AddServers(90)
	slices.Reverse(all)
	for query, want := range map[string][]int64{
		"":                     all[:15],
		"?page=2":              all[15:30],
		"?perPage=7&page=2":    all[7:14],
		"?perPage=41":          all[:40],
		"?perPage=500&page=3":  all[80:],
		"?perPage=0&page=-1":   all[:15],
		"?perPage=many&page=x": all[:15],
		"?page=7":              nil,
	} {
		if got, _ := b.pageOf(query); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
}

func TestPageMeta(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.AddServers(37)
	last := `"meta":{"pagination":{"total":37,"count":7,"per_page":15,"current_page":3,"total_pages":3,"links":{}}}`
	b.want("GET", "/servers?page=3", nil, 200, last)
	b.want("GET", "/servers?page=1&perPage=15", nil, 200, `"total_pages":3,"links":{"next":"https://manage.runcloud.io/api/v3/servers?page=2"}`)
}

func TestPagesShiftBetweenReads(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	all := b.AddServers(30)
	slices.Reverse(all)
	b.Fault(FaultRule{Op: OpListServers, Kind: FaultShift, Shift: 1, Times: 2})
	first, _ := b.pageOf("")
	second, meta := b.pageOf("?page=2")
	if !slices.Equal(first, all[:15]) || !slices.Equal(second, all[16:]) {
		t.Errorf("one should be skipped: %v %v", first, second)
	}
	if got := fmt.Sprint(meta["pagination"].(map[string]any)["total"]); got != "29" {
		t.Errorf("total %s", got)
	}
	b.Fault(FaultRule{Kind: FaultShift, Shift: -2, Times: 1})
	if second, _ = b.pageOf("?page=2"); !slices.Equal(second, all[13:28]) {
		t.Errorf("two should be repeated: %v", second)
	}
	if second, _ = b.pageOf("?page=2"); !slices.Equal(second, all[15:]) {
		t.Errorf("the rule should be used up: %v", second)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	a := New(Options{})
	a.AddServers(5)
	a.AddServers(600)
	seen := map[string]bool{}
	for _, s := range a.Servers() {
		seen[s.Name] = true
		if len(s.Tags) != 3 {
			t.Errorf("%s has tags %v", s.Name, s.Tags)
		}
	}
	if len(seen) != 605 || !seen["web-01"] || !seen["shop-02"] {
		t.Errorf("%d different names", len(seen))
	}
}
