package slacksim

import "slices"

// Call is one request to the Web API or a response_url, as it was answered.
type Call struct {
	Method  string // "response_url" for those
	Status  int    // HTTP status; 0 when the connection was cut instead
	Error   string // Slack's code, empty when ok
	Channel string
}

// Calls returns every call so far, oldest first.
func (w *Workspace) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// Count returns how often method was called, whatever the answer.
func (w *Workspace) Count(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if c.Method == method {
			n++
		}
	}
	return n
}

func (w *Workspace) logCall(c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
	w.notify()
}

// Violation is one of Slack's rules that the app broke.
type Violation struct {
	Where string // method, or kind of acknowledgement
	What  string
}

// Violations returns the rules broken so far, oldest first.
func (w *Workspace) Violations() []Violation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.violations)
}

// violate remembers broken rules. The caller holds mu.
func (w *Workspace) violate(where string, what ...string) {
	for _, s := range what {
		w.violations = append(w.violations, Violation{where, s})
	}
}
