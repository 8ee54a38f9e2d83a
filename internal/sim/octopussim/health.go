package octopussim

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// The states of health.
const (
	healthy     = "Healthy"
	hasWarnings = "HasWarnings"
	unhealthy   = "Unhealthy"
	unavailable = "Unavailable"
)

// healthJSON is what is sent to start a health check.
type healthJSON struct {
	SpaceID     string `json:"SpaceId"`
	Name        string
	Description string
	Arguments   struct {
		Timeout, MachineTimeout string
		MachineIDs              []string `json:"MachineIds"`
	}
}

var spanForm = regexp.MustCompile(`^\d\d:\d\d:\d\d$`)

// readHealth reads what is to be checked. Without machine ids it is everything in the space.
func (s *Server) readHealth(sp *space, body []byte) (h healthJSON, problems []string) {
	if json.Unmarshal(body, &h) != nil {
		return h, []string{"The request body cannot be read."}
	}
	if h.SpaceID != sp.id {
		problems = append(problems, "The task belongs to another space.")
	}
	if h.Name != "Health" {
		problems = append(problems, "Tasks of this kind cannot be started here.")
	}
	for _, span := range []string{h.Arguments.Timeout, h.Arguments.MachineTimeout} {
		if span != "" && !spanForm.MatchString(span) {
			problems = append(problems, "A time must have the form hh:mm:ss.")
		}
	}
	for _, id := range h.Arguments.MachineIDs {
		if m := s.machines[id]; m == nil || m.space != sp.id {
			problems = append(problems, fmt.Sprintf("The machine %q does not exist.", id))
		}
	}
	if h.Arguments.MachineIDs == nil {
		for _, m := range append(s.inOrder(sp.id, false), s.inOrder(sp.id, true)...) {
			h.Arguments.MachineIDs = append(h.Arguments.MachineIDs, m.id)
		}
	}
	return h, problems
}

// check logs in to the machines of a health check and ends it. Whether Octopus checks disabled machines is not known;
// here it does not.
func (s *Server) check(t *task) {
	failed := 0
	for _, id := range t.MachineIDs {
		m := s.machines[id]
		if m == nil || m.Disabled {
			continue
		}
		m.HealthStatus, m.lastChecked = s.state(m), s.stamp()
		t.warned = t.warned || m.HealthStatus != healthy
		if m.HealthStatus == unhealthy || m.HealthStatus == unavailable && !t.rules.SkipUnavailable {
			failed++
		}
	}
	if failed == 0 {
		s.end(t, Success)
		return
	}
	t.ErrorMessage = fmt.Sprintf("The health check failed on %d machines.", failed)
	s.end(t, Failed)
}

// state returns what a health check finds at a machine.
func (s *Server) state(m *machine) string {
	switch {
	case m.Offline:
		return unavailable
	case m.Style == "Ssh" && !s.logsIn(m):
		return unhealthy
	case m.Warns:
		return hasWarnings
	}
	return healthy
}

func (s *Server) logsIn(m *machine) bool {
	a := s.accounts[m.AccountID]
	if a == nil {
		return false
	}
	key := s.publicKey(a)
	return key != "" && s.options.LogsIn(m.Host, m.Port, a.text("Username"), key)
}
