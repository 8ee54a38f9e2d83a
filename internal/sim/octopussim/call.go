package octopussim

import "slices"

// Call is one HTTP call that the server received.
type Call struct {
	Op      Op
	Method  string
	ID      string // of what it is about, if that is not a space
	Status  int    // of the answer as it was meant, before a fault spoiled it; 0 if there was none
	Applied bool   // something was really changed
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}

// tell calls the hook without the lock, so that it may change the server, or block.
func (s *Server) tell(c Call) {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook != nil {
		hook(c)
	}
}

// OnCall sets a hook that is called for every call just before it is applied. A call that is refused, or that a fault
// stops earlier, does not reach it. The hook runs on the call's goroutine; nil removes it. An edit by somebody else
// between a GET and the PUT that follows is made in it.
func (s *Server) OnCall(hook func(Call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// Calls returns the calls so far, in the order in which they were dealt with.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Count returns how many calls of an operation came in so far; OpAny counts all.
func (s *Server) Count(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if op == OpAny || c.Op == op {
			n++
		}
	}
	return n
}
