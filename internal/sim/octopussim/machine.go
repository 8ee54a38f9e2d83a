package octopussim

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Machine describes a deployment target or a worker.
type Machine struct {
	Name         string
	Worker       bool
	Style        string // of communication; Ssh when empty
	AccountID    string
	Host         string
	Port         int    // 22 when zero
	HealthStatus string // Unknown when empty
	Disabled     bool
	Offline      bool           // it does not answer: health checks find it Unavailable
	Warns        bool           // health checks find something to warn of
	Fields       map[string]any // further ones of its document
}

// machine is a stored machine.
type machine struct {
	Machine
	id, space   string
	lastChecked time.Time
	inProcess   int // tasks that work on it
}

// AddMachine adds a machine to a space and returns its id.
func (s *Server) AddMachine(spaceID string, m Machine) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := "Machines"
	if m.Worker {
		kind = "Workers"
	}
	m.Style, m.HealthStatus, m.Port = orDefault(m.Style, "Ssh"), orDefault(m.HealthStatus, "Unknown"), cmp.Or(m.Port, 22)
	added := &machine{Machine: m, id: s.nextID(kind), space: spaceID}
	s.machines[added.id] = added
	return added.id
}

// EditMachine changes a machine as another person does in the portal, and reports whether there is such a machine.
func (s *Server) EditMachine(id string, change func(*Machine)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[id]
	if m != nil {
		change(&m.Machine)
	}
	return m != nil
}

// RemoveMachine removes a machine and reports whether it was there.
func (s *Server) RemoveMachine(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machines[id]
	delete(s.machines, id)
	return m != nil
}

// Health returns the state of a machine and when it was checked last, which is the zero time if it never was.
func (s *Server) Health(id string) (status string, checked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	if m := s.machines[id]; m != nil {
		return m.HealthStatus, m.lastChecked
	}
	return "", time.Time{}
}

// inOrder returns the machines or workers of a space by name.
func (s *Server) inOrder(spaceID string, workers bool) []*machine {
	var list []*machine
	for _, m := range s.machines {
		if m.space == spaceID && m.Worker == workers {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(x, y *machine) int { return strings.Compare(x.Name+"\x00"+x.id, y.Name+"\x00"+y.id) })
	return list
}

func (s *Server) machinesOf(sp *space, workers bool) []item { return items(s.inOrder(sp.id, workers)) }

func (m *machine) item() item {
	doc := map[string]any{
		"Id": m.id, "SpaceId": m.space, "Name": m.Name, "HealthStatus": m.HealthStatus, "IsDisabled": m.Disabled,
		"IsInProcess": m.inProcess > 0, "Endpoint": m.endpoint(),
		"Links": map[string]string{"Connection": "/api/" + m.space + "/machines/" + m.id + "/connection"},
	}
	maps.Copy(doc, m.Fields)
	return item{m.id, m.Name, doc}
}

func (m *machine) endpoint() map[string]any {
	if m.Style != "Ssh" {
		return map[string]any{"CommunicationStyle": m.Style, "Uri": "https://" + m.Host + ":10933/", "Port": "none"}
	}
	return map[string]any{
		"CommunicationStyle": m.Style, "AccountId": m.AccountID, "Host": m.Host, "Port": m.Port, "Uri": nil, "ProxyId": nil,
		"Fingerprint": "SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZIDTMczCvj3tD2s", "HostKeyAlgorithm": "ssh-ed25519", "DotNetCorePlatform": "linux-x64",
	}
}

func (m *machine) connection() map[string]any {
	status := "Online"
	switch {
	case m.lastChecked.IsZero():
		status = "Unknown"
	case m.HealthStatus != healthy && m.HealthStatus != hasWarnings:
		status = "Offline"
	}
	return map[string]any{"MachineId": m.id, "Status": status, "LastChecked": shown(m.lastChecked), "Logs": []any{}}
}
