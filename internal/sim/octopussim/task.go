package octopussim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The states of a task.
const (
	Queued     = "Queued"
	Executing  = "Executing"
	Cancelling = "Cancelling"
	Success    = "Success"
	Failed     = "Failed"
	Canceled   = "Canceled"
	TimedOut   = "TimedOut"
)

// TaskRules is how health checks go that are started from now on. The zero value is over when it is looked at next.
type TaskRules struct {
	Queued, Runs time.Duration // how long it waits and runs, by Options.Now
	Manual       bool          // it moves on when [Server.Step] says so, and not with time
	Hangs        bool          // it never ends by itself
	// Ends is the state in which it ends without having looked at any machine: Failed, Canceled or TimedOut. When
	// empty, the machines are logged in to, and it succeeds if that worked.
	Ends            string
	SkipUnavailable bool // machines that do not answer do not make it fail, as a machine policy may say
}

// Task is what a task is now.
type Task struct {
	ID, Space, Name, Description, State, ErrorMessage string
	MachineIDs                                        []string // of a health check
}

type task struct {
	Task
	rules  TaskRules
	queued time.Time // as shown
	began  time.Time // by the clock, from which its steps count
	warned bool
}

// SetTaskRules sets how health checks go that are started from now on.
func (s *Server) SetTaskRules(r TaskRules) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = r
}

// StartTask starts a task of a kind such as Deploy or RunbookRun, which is in a state until [Server.EndTask] is called.
// It returns its id.
func (s *Server) StartTask(spaceID, name, description, state string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.addTask(spaceID, name, description)
	t.State, t.rules.Manual = state, true
	return t.ID
}

// EndTask ends a task in a state, without looking at any machine, and reports whether it was under way.
func (s *Server) EndTask(id, state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	t := s.tasks[id]
	if t == nil || t.over() {
		return false
	}
	s.end(t, state)
	return true
}

// Step moves a task one state on, and reports whether it was under way: from Queued to Executing, and from there to
// its end.
func (s *Server) Step(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	t := s.tasks[id]
	if t == nil || t.over() {
		return false
	}
	s.advance(t)
	return true
}

// Tasks returns the tasks of a space, the oldest first.
func (s *Server) Tasks(spaceID string) []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	var list []Task
	for _, id := range s.order {
		if t := s.tasks[id]; t.Space == spaceID {
			copied := t.Task
			copied.MachineIDs = slices.Clone(t.MachineIDs)
			list = append(list, copied)
		}
	}
	return list
}

func (s *Server) addTask(spaceID, name, description string) *task {
	t := &task{queued: s.stamp(), began: s.options.Now()}
	t.Task = Task{ID: s.nextID("ServerTasks"), Space: spaceID, Name: name, Description: description, State: Queued}
	s.tasks[t.ID] = t
	s.order = append(s.order, t.ID)
	return t
}

func (t *task) over() bool {
	return t.State != Queued && t.State != Executing && t.State != Cancelling
}

// settle moves the tasks on as far as time has passed.
func (s *Server) settle() {
	now := s.options.Now()
	for _, id := range s.order {
		t := s.tasks[id]
		if t.rules.Manual {
			continue
		}
		if t.State == Queued && !now.Before(t.began.Add(t.rules.Queued)) {
			s.advance(t)
		}
		if t.State == Executing && !t.rules.Hangs && !now.Before(t.began.Add(t.rules.Queued+t.rules.Runs)) {
			s.advance(t)
		}
	}
}

// advance moves a task one state on.
func (s *Server) advance(t *task) {
	switch {
	case t.State == Queued:
		t.State = Executing
		s.occupy(t, 1)
	case t.State == Cancelling:
		s.end(t, Canceled)
	case t.rules.Ends == "" && t.Name == "Health":
		s.check(t)
	default:
		s.end(t, orDefault(t.rules.Ends, Success))
	}
}

func (s *Server) end(t *task, state string) {
	if t.State != Queued {
		s.occupy(t, -1)
	}
	if t.State = state; state != Success && t.ErrorMessage == "" {
		t.ErrorMessage = "The task ended as " + state + "."
	}
}

// occupy counts a task in or out at its machines.
func (s *Server) occupy(t *task, by int) {
	for _, id := range t.MachineIDs {
		if m := s.machines[id]; m != nil {
			m.inProcess += by
		}
	}
}

func (t *task) item() item {
	return item{t.ID, t.Description, map[string]any{
		"Id": t.ID, "SpaceId": t.Space, "Name": t.Name, "Description": t.Description, "State": t.State,
		"IsCompleted": t.over(), "FinishedSuccessfully": t.State == Success, "HasWarningsOrErrors": t.warned || t.ErrorMessage != "",
		"ErrorMessage": t.ErrorMessage, "QueueTime": shown(t.queued), "Arguments": map[string]any{"MachineIds": t.MachineIDs},
		"HasPendingInterruptions": false, "Links": map[string]string{"Self": "/api/" + t.Space + "/tasks/" + t.ID},
	}}
}

// tasksOf returns the tasks of a space that a query asks for, the newest first.
func (s *Server) tasksOf(sp *space, q url.Values) []item {
	var list []item
	for _, id := range slices.Backward(s.order) {
		t := s.tasks[id]
		if t.Space == sp.id && t.matches(q) {
			list = append(list, t.item())
		}
	}
	return list
}

func (t *task) matches(q url.Values) bool {
	states := words(q, "states")
	switch {
	case q.Get("name") != "" && !strings.EqualFold(q.Get("name"), t.Name),
		q.Get("active") == "true" && t.over(),
		q.Get("running") == "true" && t.State != Executing && t.State != Cancelling,
		len(states) > 0 && !slices.Contains(states, t.State):
		return false
	}
	return true
}

// startHealth starts a health check, the only kind of task that is played from its start.
func (s *Server) startHealth(sp *space, r request) answer {
	wanted, problems := s.readHealth(sp, r.body)
	if len(problems) > 0 {
		return invalid(problems)
	}
	t := s.addTask(sp.id, wanted.Name, orDefault(wanted.Description, "Manual health check"))
	t.rules, t.MachineIDs = s.rules, wanted.Arguments.MachineIDs
	return jsonAnswer(http.StatusCreated, t.item().doc)
}
