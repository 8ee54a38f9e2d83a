package octopussim

import (
	"fmt"
	"slices"
)

// space is a part of the server. Environments are those of its own.
type space struct {
	id, name     string
	environments []environment
}

type environment struct{ id, name string }

// nextID returns a fresh id such as Accounts-1.
func (s *Server) nextID(kind string) string {
	s.lastID[kind]++
	return fmt.Sprintf("%s-%d", kind, s.lastID[kind])
}

// AddSpace adds a space and returns its id.
func (s *Server) AddSpace(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := &space{id: s.nextID("Spaces"), name: name}
	s.spaces = append(s.spaces, sp)
	return sp.id
}

// AddEnvironment adds an environment to a space and returns its id, which is empty if there is no such space.
func (s *Server) AddEnvironment(spaceID, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.space(spaceID)
	if sp == nil {
		return ""
	}
	e := environment{s.nextID("Environments"), name}
	sp.environments = append(sp.environments, e)
	return e.id
}

// space returns the space with an id, or nil.
func (s *Server) space(id string) *space {
	i := slices.IndexFunc(s.spaces, func(sp *space) bool { return sp.id == id })
	if i < 0 {
		return nil
	}
	return s.spaces[i]
}

func (sp *space) hasEnvironment(id string) bool {
	return slices.ContainsFunc(sp.environments, func(e environment) bool { return e.id == id })
}

func (sp *space) item() item {
	return item{sp.id, sp.name, map[string]any{"Id": sp.id, "Name": sp.name, "IsDefault": sp.id == DefaultSpace, "TaskQueueStopped": false}}
}

func (e environment) item() item {
	return item{e.id, e.name, map[string]any{"Id": e.id, "Name": e.name}}
}
