package octopus

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStartHealth(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{
		call: "POST /api/Spaces-1/tasks", status: 201, answer: `{"Id":"ServerTasks-9","Name":"Health","Description":"check 7","State":"Queued","IsCompleted":false,"FinishedSuccessfully":false}`,
		sent: `{"SpaceId":"Spaces-1","Name":"Health","Description":"check 7","Arguments":{"Timeout":"00:05:00","MachineTimeout":"00:01:00","MachineIds":["Machines-1","Workers-1"]}}`,
	})
	got, err := c.StartHealth(t.Context(), "Spaces-1", "check 7", []string{"Machines-1", "Workers-1"})
	want := Task{ID: "ServerTasks-9", Name: "Health", Description: "check 7", State: "Queued"}
	if got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := scripted().StartHealth(t.Context(), "Spaces-1", "all", nil); err == nil || asError(err) != nil {
		t.Errorf("a check of everything: %v", err)
	}
	for _, rep := range []*http.Response{nil, canned(500, `{}`, nil), canned(200, `{}`, nil)} {
		if _, err := scripted(rep).StartHealth(t.Context(), "Spaces-1", "x", []string{"Machines-1"}); !IsOutcomeUnknown(err) {
			t.Errorf("%v", err)
		}
	}
}

func TestTask(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "GET /api/Spaces-1/tasks/ServerTasks-9", answer: `{"Id":"ServerTasks-9","Name":"Health","State":"TimedOut",
		"IsCompleted":true,"FinishedSuccessfully":false,"ErrorMessage":"The task\r\ntimed\u0007 out. ` + testKey + `","Duration":"5 minutes"}`})
	got, err := c.Task(t.Context(), "Spaces-1", "ServerTasks-9")
	want := Task{ID: "ServerTasks-9", Name: "Health", State: "TimedOut", IsCompleted: true, ErrorMessage: "The task timed out. ***"}
	if got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFindHealth(t *testing.T) {
	t.Parallel()
	const first = "GET /api/Spaces-1/tasks?name=Health&skip=0&take=100"
	task := func(id int, name, description string) string {
		return fmt.Sprintf(`{"Id":"ServerTasks-%d","Name":%q,"Description":%q}`, id, name, description)
	}
	c := exchanging(t, exchange{call: first, answer: pageOf(task(9, "Health", "x 12"), task(8, "Deploy", "x 1"), task(7, "Health", "x 1"), task(6, "Health", "x 1"))})
	if got, err := c.FindHealth(t.Context(), "Spaces-1", "x 1"); err != nil || got.ID != "ServerTasks-7" {
		t.Errorf("%+v, %v", got, err)
	}
	// A server that clamps the page.
	c = exchanging(t,
		exchange{call: first, answer: `{"Items":[` + task(9, "Health", "y") + `],"TotalResults":3}`},
		exchange{call: strings.Replace(first, "skip=0", "skip=1", 1), answer: `{"Items":[` + task(8, "Health", "x") + `],"TotalResults":3}`})
	if got, err := c.FindHealth(t.Context(), "Spaces-1", "x"); err != nil || got.ID != "ServerTasks-8" {
		t.Errorf("%+v, %v", got, err)
	}
	c = exchanging(t, exchange{call: first, answer: pageOf(task(9, "Health", "y"))})
	if _, err := c.FindHealth(t.Context(), "Spaces-1", "x"); !IsNotFound(err) {
		t.Errorf("%v", err)
	}
}

// A busy server must not be read to its beginning.
func TestFindHealthEnds(t *testing.T) {
	t.Parallel()
	calls := 0
	c := served(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		fmt.Fprintf(w, `{"Items":[{"Id":"ServerTasks-%d","Name":"Health"}],"TotalResults":1000000}`, calls)
	})
	if _, err := c.FindHealth(t.Context(), "Spaces-1", "x"); !IsNotFound(err) || calls != findPages {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestActiveTasks(t *testing.T) {
	t.Parallel()
	const call = "GET /api/Spaces-1/tasks?active=true&skip=0&take=100"
	items := []string{
		`{"Id":"ServerTasks-9","Name":"Deploy","State":"Executing","Description":"Deploy shop"}`,
		`{"Id":"ServerTasks-8","Name":"Health","State":"Executing"}`,
		`{"Id":"ServerTasks-7","Name":"RunbookRun","State":"Queued"}`,
		`{"Id":"ServerTasks-6","Name":"Deploy","State":"Success","IsCompleted":true}`,
		`{"Id":"ServerTasks-5","Name":"AdHocScript","State":"Cancelling"}`,
		`{"Id":"ServerTasks-4","Name":"Backup","State":"Executing"}`,
	}
	got, err := exchanging(t, exchange{call: call, answer: pageOf(items...)}).ActiveTasks(t.Context(), "Spaces-1")
	want := []Task{
		{ID: "ServerTasks-9", Name: "Deploy", State: "Executing", Description: "Deploy shop"},
		{ID: "ServerTasks-7", Name: "RunbookRun", State: "Queued"},
		{ID: "ServerTasks-5", Name: "AdHocScript", State: "Cancelling"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := scripted(canned(200, `{}`, nil)).ActiveTasks(t.Context(), "Spaces-1"); !errors.Is(err, ErrUnexpected) {
		t.Errorf("nothing is taken for no task: %v", err)
	}
}
