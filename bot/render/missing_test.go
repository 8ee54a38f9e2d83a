package render

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func TestNoSessionsIsSaidOnlyWhereTheyWereRead(t *testing.T) {
	t.Parallel()
	v := small().offboarding(allDone, 0)
	v.Sessions = nil
	if text := Request(v, noon()).Text; !strings.Contains(text, "I have seen none.") {
		t.Errorf("all were read:\n%s", text)
	}
	v.SessionsUnread = v.Servers[:1]
	text := Request(v, noon()).Text
	if strings.Contains(text, "I have seen none.") || !strings.Contains(text, "could not be read on 1 server: `"+v.Servers[0].Name+"`") {
		t.Errorf("one was not read:\n%s", text)
	}
}

func TestFileOfAnInspectionHoldsServersAlone(t *testing.T) {
	t.Parallel()
	v := small().offboarding(allDone, 0)
	v.Results = append(v.Results, access.Result{Phase: access.PhaseList, ServerName: "(the list of servers)", State: access.Waiting, Setback: access.Setback{Detail: "The list is empty."}})
	if file := string(CSV(v, access.PhaseInspect)); strings.Contains(file, "SystemUser") || strings.Contains(file, "list") || !strings.Contains(file, "web-001") {
		t.Errorf("the file:\n%s", file)
	}
}

func TestOwedAreAllKeysNotOnlyThoseThatAreOverdue(t *testing.T) {
	t.Parallel()
	late := workflow.DebtView{Server: access.ServerRef{ID: 1, Name: "web-01"}, Placement: access.Placement{Setback: access.Setback{Problem: access.ProblemOffline}}}
	moving := workflow.DebtView{Server: access.ServerRef{ID: 2, Name: "web-02"}, Moving: true}
	text := List(paged(workflow.Overview{Complete: true, Debt: []workflow.DebtView{moving, late, moving}}), "", bob).Text
	if !strings.Contains(text, "Still to remove: 3 keys") || !strings.Contains(text, "`web-01`") || !strings.Contains(text, "2 keys being removed now") || strings.Contains(text, "web-02") {
		t.Errorf("the list:\n%s", text)
	}
	if text := List(paged(workflow.Overview{Complete: true, Debt: []workflow.DebtView{moving}}), "", bob).Text; strings.Contains(text, "No key is left") || !strings.Contains(text, "1 key being removed now") {
		t.Errorf("the list:\n%s", text)
	}
}

func TestManyMissingServersHaveAMenu(t *testing.T) {
	t.Parallel()
	v := small().offboarding(allDone, 0)
	for i := range 150 {
		v.Missing = append(v.Missing, access.ServerRef{ID: int64(i)})
		blocks := string(encode(t, Request(v, noon())))
		if got, want := strings.Contains(blocks, "static_select"), i+1 > missingButtons; got != want || !strings.Contains(blocks, ActionGone) {
			t.Fatalf("%d missing: a menu: %v, want %v", i+1, got, want)
		}
	}
}

// A message that has the first of the overdue keys says how many there are besides.
func TestKeysThatAreNotListedAreCounted(t *testing.T) {
	t.Parallel()
	late := workflow.DebtView{Server: access.ServerRef{ID: 1, Name: "web-01"}, Placement: access.Placement{Setback: access.Setback{Problem: access.ProblemOffline}}}
	for _, tt := range []struct {
		name    string
		listed  int
		overdue int
		want    []string
	}{
		{"not all were read", 1, 8, []string{"10 keys still to remove", "web-01", "… and 7 more", "2 keys being removed now"}},
		{"not all have room", 100, 183, []string{"185 keys still to remove", "2 keys being removed now"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, ok := Daily(workflow.Overview{Complete: true, Debt: slices.Repeat([]workflow.DebtView{late}, tt.listed), Overdue: tt.overdue, Moving: 2})
			if !ok {
				t.Fatal("there is nothing to say")
			}
			more := fmt.Sprintf("… and %d more", tt.overdue-strings.Count(m.Text, "web-01"))
			for _, want := range append(tt.want, more) {
				if !strings.Contains(m.Text, want) {
					t.Errorf("%q does not say %q", m.Text, want)
				}
			}
		})
	}
}
