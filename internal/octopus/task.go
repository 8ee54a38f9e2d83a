package octopus

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Task is a piece of work that the server does, or did.
type Task struct {
	ID                   string
	Name                 string // of its kind, such as Health or Deploy
	Description          string // as stored: anybody's text
	State                string // Queued, Executing, Cancelling, Failed, Canceled, TimedOut or Success
	IsCompleted          bool
	FinishedSuccessfully bool
	ErrorMessage         string // Octopus's own words, shortened and without control characters
}

// The kinds of tasks (BuiltInTasks.cs of Octopus's client for .NET; the one of runbooks is newer).
const (
	taskHealth   = "Health"
	taskDeploy   = "Deploy"
	taskRunbook  = "RunbookRun"
	taskAuto     = "AutoDeploy"
	taskScript   = "AdHocScript"
	taskUpgrade  = "Upgrade"
	taskCalamari = "UpdateCalamari"
)

type taskJSON struct {
	ID                   string `json:"Id"`
	Name                 string
	Description          string
	State                string
	IsCompleted          bool
	FinishedSuccessfully bool
	ErrorMessage         string
}

func (c *Client) readTask(w taskJSON) Task {
	t := Task(w)
	t.ErrorMessage = c.clean.text(t.ErrorMessage)
	return t
}

// How long a health check and its part on one machine may take, in Octopus's form; those that its client for .NET
// sends.
const (
	healthTimeout  = "00:05:00"
	machineTimeout = "00:01:00"
)

// StartHealth starts a health check of exactly the machines with the given ids, which may be deployment targets and
// workers. Without any it is an error: Octopus would check everything. It is sent once; after an error that
// [IsOutcomeUnknown], look with [Client.FindHealth] for the description, which should therefore be unique.
func (c *Client) StartHealth(ctx context.Context, space, description string, machineIDs []string) (Task, error) {
	if len(machineIDs) == 0 {
		return Task{}, errors.New("octopus: a health check needs machines")
	}
	in := map[string]any{
		"SpaceId": space, "Name": taskHealth, "Description": description,
		"Arguments": map[string]any{"Timeout": healthTimeout, "MachineTimeout": machineTimeout, "MachineIds": machineIDs},
	}
	return c.task(ctx, http.MethodPost, path{space, "tasks"}, in)
}

// Task returns a task as it is now; see [IsNotFound].
func (c *Client) Task(ctx context.Context, space, id string) (Task, error) {
	return c.task(ctx, http.MethodGet, path{space, "tasks", id}, nil)
}

func (c *Client) task(ctx context.Context, method string, p path, in any) (Task, error) {
	var w taskJSON
	if err := c.call(ctx, method, p, nil, in, &w); err != nil {
		return Task{}, err
	}
	if w.ID == "" {
		return Task{}, unexpected(method, p, "the answer has no id")
	}
	return c.readTask(w), nil
}

// findPages is how many pages of health checks are searched.
const findPages = 5

// FindHealth returns the newest health check with exactly that description. Octopus lists the newest first; the
// first five pages are searched, up to 500 tasks. If none of them has it, the error is a [*LookupError].
func (c *Client) FindHealth(ctx context.Context, space, description string) (Task, error) {
	p, query, skip := path{space, "tasks"}, url.Values{"name": {taskHealth}}, 0
	for range findPages {
		got, err := readPage(ctx, c, p, query, skip, taskID)
		if err != nil {
			return Task{}, err
		}
		for _, w := range got.Items {
			if w.Name == taskHealth && w.Description == description {
				return c.readTask(w), nil
			}
		}
		if skip += len(got.Items); skip >= *got.TotalResults {
			break
		}
	}
	return Task{}, &LookupError{Kind: "health check", Name: short(description)}
}

// ActiveTasks returns the tasks of a space that log in to machines and are not over yet: deployments, runbook runs,
// scripts and upgrades, queued or under way. Octopus does not say which machines a deployment will touch. Health
// checks are left out.
func (c *Client) ActiveTasks(ctx context.Context, space string) ([]Task, error) {
	items, err := all(ctx, c, path{space, "tasks"}, url.Values{"active": {"true"}}, taskID)
	if err != nil {
		return nil, err
	}
	var active []Task
	for _, w := range items {
		if !w.IsCompleted && logsIn(w.Name) {
			active = append(active, c.readTask(w))
		}
	}
	return active, nil
}

func taskID(w taskJSON) string { return w.ID }

func logsIn(name string) bool {
	switch name {
	case taskDeploy, taskRunbook, taskAuto, taskScript, taskUpgrade, taskCalamari:
		return true
	}
	return false
}
