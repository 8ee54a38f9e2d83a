package render

import (
	"slices"
	"strings"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// placeOf returns the place of the first entries of parts of that many, when a page holds so many.
func placeOf(size int, parts ...int) workflow.Page {
	p := workflow.Page{Parts: parts}
	if p.Last = min(size, p.Total()); p.Last > 0 {
		p.First, p.From, p.To = 1, workflow.Mark{ID: 1}, workflow.Mark{Part: len(parts) - 1, ID: int64(p.Last)}
	}
	return p
}

// paged returns the first page of an overview.
func paged(o workflow.Overview) workflow.AccessPage {
	var all workflow.AccessPage
	o = withCounts(o)
	owed := slices.DeleteFunc(slices.Clone(o.Debt), func(d workflow.DebtView) bool { return d.Moving })
	all.Page = placeOf(20, len(owed), len(o.Undecided), len(o.Waiting), len(o.Grants))
	left := 20
	o.Debt = firstOf(&left, owed)
	o.Undecided = firstOf(&left, o.Undecided)
	o.Waiting = firstOf(&left, o.Waiting)
	o.Grants = firstOf(&left, o.Grants)
	all.Overview = o
	return all
}

// firstOf returns as many entries as there is room left for.
func firstOf[T any](left *int, all []T) []T {
	all = all[:min(*left, len(all))]
	*left -= len(all)
	return all
}

// laterPage returns one that neither begins nor ends its list: two requests and 18 grants.
func (w world) laterPage() workflow.AccessPage {
	o, grants := w.overview(), []workflow.GrantView(nil)
	for i := range 18 {
		g := o.Grants[i%w.n]
		g.Servers, g.Names = 5, slices.Repeat([]string{w.foreign("web-001")}, 5)
		grants = append(grants, g)
	}
	return workflow.AccessPage{Overview: workflow.Overview{Waiting: slices.Repeat(o.Waiting[:1], 2), Grants: grants, Overdue: 80, Moving: 4}, Page: workflow.Page{
		First: 101, Last: 120, Parts: []int{80, 0, 22, 1400}, From: workflow.Mark{Part: 2, ID: 4321}, To: workflow.Mark{Part: 3, ID: 98765},
	}}
}

func pendingPage(all []workflow.RequestView) workflow.PendingPage {
	return workflow.PendingPage{Page: placeOf(8, len(all), 0), Views: all[:min(8, len(all))]}
}

func serversPage(all []access.Server, listed int) workflow.ServersPage {
	page := workflow.ServersPage{Page: placeOf(30, len(all)), Pattern: "web-*", Servers: all[:min(30, len(all))], Listed: listed}
	for _, server := range all {
		if !server.Online {
			page.Offline++
		}
	}
	return page
}

func TestPageOfListIsReadBack(t *testing.T) {
	t.Parallel()
	first, last := workflow.Mark{Part: 2, ID: 4321}, workflow.Mark{Part: 3, ID: 98765}
	blocks := string(encode(t, List(small().laterPage(), alice, bob)))
	for value, want := range map[string]workflow.PageQuery{"before:2.4321:" + string(alice): {Before: first}, "after:3.98765:" + string(alice): {After: last}} {
		if q, about, ok := ReadPage(value); !ok || q != want || about != string(alice) || !strings.Contains(blocks, `"`+value+`"`) {
			t.Errorf("%s is read as %+v about %q, %v; the page is %s", value, q, about, ok, blocks)
		}
	}
	if q, about, ok := ReadPage("after:0.7:a:b,c"); !ok || q.After.ID != 7 || about != "a:b,c" {
		t.Errorf("a pattern is read as %q, %v", about, ok)
	}
	grants := listButton(workflow.PartGrants, workflow.Everybody, "Show all").Value
	if q, about, ok := ReadPage(grants); !ok || q != (workflow.PageQuery{After: workflow.Mark{Part: workflow.PartGrants}}) || about != string(workflow.Everybody) {
		t.Errorf("%s is read as %+v about %q, %v", grants, q, about, ok)
	}
	for _, value := range []string{"", "after", "after:1.2", "beside:1.2:", "after:x.2:", "after:1.x:", "after:1:", "after:-1.2:", "after:1.-1:"} {
		if _, _, ok := ReadPage(value); ok {
			t.Errorf("%q was read", value)
		}
	}
}
